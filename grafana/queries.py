"""The PromQL that several panels share.

Two replicas of the exporter publish every series twice, so each expression picks one by the labels that say what the
series is about; whoever scraped it (instance, pod, ...) falls away.
"""

from collections.abc import Callable

from aws_vpn_exporter.model import TunnelState

ID = "account_id, region, vpn_connection_id"
TARGET_ID = "account_id, region"
TUNNEL_ID = f"{ID}, tunnel_ip"

TARGETS = 'job=~"$job", account_id=~"$account_id", region=~"$region"'
"""Picks what the variables of every dashboard pick."""
CONNECTIONS = f'{TARGETS}, vpn_connection_id=~"$connection"'
"""The same where a dashboard lets people choose connections."""

SEVERITIES = ("critical", "warning", "info")
"""The severities of the alerts, the worst one first."""

STATE_NUMBERS = {
    state: number
    for number, state in enumerate(
        (
            TunnelState.DOWN,
            TunnelState.IPSEC_DOWN,
            TunnelState.BGP_DOWN,
            TunnelState.UP_WITHOUT_ROUTES,
            TunnelState.UP,
        )
    )
}
"""A tunnel's state as one number, the worst one lowest."""


def newest(metric: str, select: str, by: str = ID) -> str:
    """One series for each thing that `by` tells apart, whoever scraped it."""
    return f"max by ({by}) ({metric}{{{select}}})"


def one(metric: str, select: str, by: str, words: str) -> str:
    """The same with labels that say something: where replicas say different things for a while, one of them counts."""
    return f"topk by ({by}) (1, max by ({by}, {words}) ({metric}{{{select}}}))"


def cause(select: str, by: str = TUNNEL_ID) -> str:
    """The probable cause of each tunnel that is not well, as the labels `cause` and, if it is told, `confidence`."""
    return one("aws_vpn_tunnel_down_cause", select, by, "cause, confidence")


def main_cause(select: str) -> str:
    """The cause of most of a connection's tunnels that are not well."""
    return f"topk by ({ID}) (1, count by ({ID}, cause, confidence) (\n{cause(select)}\n))"


def read(source: str) -> str:
    """The targets about which an optional source is turned on and answers in full."""
    return f'aws_vpn_source_up{{{TARGETS}, source="{source}"}} == 1'


def tunnels_up(select: str) -> str:
    """What the alerts see; without the recording rules, what the exporter says."""
    recorded = newest("vpn_connection:aws_vpn_connection_tunnels_up:last", select)
    return f"({recorded} or {newest('aws_vpn_connection_tunnels_up', select)})"


def tunnels_expected(select: str) -> str:
    """How many tunnels of a connection are meant to be up."""
    return newest("aws_vpn_connection_tunnels_expected", select)


def below_expectation(select: str) -> str:
    """The connections with fewer tunnels up than expected, none at all included."""
    return f"{tunnels_up(select)} < {tunnels_expected(select)}"


def redundancy_lost(select: str) -> str:
    """The connections that are up on fewer tunnels than expected."""
    return f"({tunnels_up(select)} > 0) < {tunnels_expected(select)}"


def without_routes(select: str) -> str:
    """The connections with a tunnel that is up and has no route to carry."""
    return f'max by ({ID}) (aws_vpn_tunnel_state{{{select}, state="up_without_routes"}} == 1)'


def down(select: str) -> str:
    """The connections of which no tunnel is up, although one is expected."""
    return f"({tunnels_up(select)} == 0) < {tunnels_expected(select)}"


def in_trouble(select: str) -> str:
    """The connections that somebody has to look at: their status as one number, the worst one lowest.

    See vocabulary.CONNECTION_STATUS.
    """
    return f"""0 * ({down(select)})
or 1 + 0 * ({below_expectation(select)})
or 2 + 0 * {without_routes(select)}
or 3 + 0 * ({tunnels_expected(select)} unless {tunnels_up(select)})"""


def connection_status(select: str) -> str:
    """Each connection's status as one number, those in trouble lowest."""
    return f"""{in_trouble(select)}
or 4 + 0 * ({tunnels_up(select)} > 0)
or 5 + 0 * {newest("aws_vpn_connection_state", select)}"""


def of_those_in_trouble(expr: str, select: str) -> str:
    """The same of the connections that somebody has to look at."""
    return f"({expr})\nand on ({ID}) (\n{in_trouble(select)}\n)"


def fell(select: str) -> str:
    """When the latest of a connection's tunnels that are not well changed its status, in milliseconds."""
    well = f'aws_vpn_tunnel_state{{{select}, state="up"}} == 1'
    return f"max by ({ID}) ({last_change(select)} unless on ({TUNNEL_ID}) ({well}))"


def tunnel_state(select: str, by: str = TUNNEL_ID) -> str:
    """Each tunnel's state as one of STATE_NUMBERS."""
    best_first = reversed(STATE_NUMBERS.items())
    return "\nor ".join(
        f'{number} * max by ({by}) (aws_vpn_tunnel_state{{{select}, state="{state}"}} == 1)'
        for state, number in best_first
    )


def last_change(select: str, by: str = TUNNEL_ID) -> str:
    """When the status last changed, in the milliseconds that Grafana's times are in."""
    return f"1000 * {newest('aws_vpn_tunnel_last_status_change_timestamp_seconds', select, by)}"


def availability(measure: str, window: str, select: str) -> str:
    """The recorded share of the time in which a connection was `up` or `redundant`."""
    return newest(f"vpn_connection:aws_vpn_connection_{measure}:avg{window}", select)


def firing(select: str, alerts: str = "AwsVpn.*", severity: str = ".+") -> str:
    """The alerts that fire now."""
    return f'ALERTS{{alertname=~"{alerts}", alertstate="firing", severity=~"{severity}", {select}}}'


def firing_anywhere(severity: str = ".+") -> str:
    """The same for all targets; that no exporter can be scraped is true of no job, account or region."""
    exporter_down = f'ALERTS{{alertname="AwsVpnExporterDown", alertstate="firing", severity=~"{severity}"}}'
    return f"{firing(TARGETS, severity=severity)} or {exporter_down}"


def severity_rank(fires: Callable[[str], str]) -> str:
    """The severity of each alert, as its rank in SEVERITIES; `fires` asks for the alerts of one severity."""
    return "\nor ".join(
        f"{rank} + 0 * count by (alertname) ({fires(severity)})" for rank, severity in enumerate(SEVERITIES)
    )


def named(expr: str, select: str) -> str:
    """The same with the labels `name` and `account` of the connection."""
    return f"({expr})\n* on ({ID}) group_left (name, account)\n{identities(select)}"


def identities(select: str) -> str:
    """Each connection with the labels `name` and `account`. A rename in progress shows one of both names."""
    info = f"topk by ({ID}) (1, aws_vpn_connection_info{{{select}}})"
    names = _name_or_id(info, "name", "name", "vpn_connection_id")
    return f"(\n{names}\n* on ({TARGET_ID}) group_left (account)\n{accounts()}\n)"


def accounts() -> str:
    """Each account and region with the label `account`: the account's name, or its ID where it has none."""
    names = one("aws_vpn_target_info", TARGETS, TARGET_ID, "account_name")
    return _name_or_id(names, "account", "account_name", "account_id")


def _name_or_id(expr: str, label: str, name: str, number: str) -> str:
    both = f'label_join({expr}, "{label}", ";", "{name}", "{number}")'
    named = f'label_replace({both}, "{label}", "$1", "{label}", "(.+);[^;]*")'
    return f'label_replace({named}, "{label}", "$1", "{label}", ";(.*)")'


def cause_of_failures(failures: str, by: str, watched: str) -> str:
    """The most frequent cause of failures of each thing that is watched, as the label `cause`; none where none failed.

    `failures` counts them by `by` and cause. What has never failed has no series there.
    """
    return f"topk by ({by}) (1, sum by ({by}, cause) ({failures}) > 0) or on ({by}) 0 * {watched}"


def count(expr: str, known: str = f"aws_vpn_target_up{{{TARGETS}}} == 1") -> str:
    """How many series there are: 0 for none, but nothing where nothing is `known`, for an outage is no calm."""
    return f"count({expr})\nor 0 * count({known})"
