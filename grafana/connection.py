"""One connection: what is wrong with which tunnel, since when, and how it is set up."""

from collections.abc import Callable

from aws_vpn_exporter.options import OPTIONS, Option
from grafana.board import Board, Section
from grafana.panels import ORANGE, PLAIN, Column, Matrix, lines, number, rows, timeline
from grafana.queries import (
    CONNECTIONS,
    ID,
    availability,
    cause,
    connection_status,
    firing,
    last_change,
    newest,
    one,
    severity_rank,
    tunnel_state,
    tunnels_expected,
    tunnels_up,
)
from grafana.vocabulary import (
    AGREEMENT,
    CAUSE,
    CONNECTION_ID,
    CONNECTION_STATUS,
    LOG_EVENT,
    MAINTENANCE,
    NEGOTIATED_AS,
    OPTION_NAME,
    SEVERITY,
    STANDBY,
    TO_RUNBOOK,
    TUNNEL_IP,
    TUNNEL_STATE,
    nothing_read,
)

_TUNNEL = "tunnel_ip"


def _firing(severity: str) -> str:
    return firing(CONNECTIONS, severity=severity)


NOW = (
    number(
        "Status",
        "How the connection is now, as on the fleet dashboard.",
        connection_status(CONNECTIONS),
        words=CONNECTION_STATUS,
        unit="none",
        empty="Not listed by AWS",
        width=6,
    ),
    number(
        "Tunnels up",
        "Tunnels that AWS reports UP.",
        tunnels_up(CONNECTIONS),
        unit="none",
        empty="Not reported",
        width=3,
    ),
    number(
        "Tunnels expected",
        "Tunnels that are meant to be up: 2, or what a policy in the exporter's configuration says.",
        tunnels_expected(CONNECTIONS),
        unit="none",
        empty="None",
        width=3,
    ),
    number(
        "Last change",
        "When the IKE, IPsec or BGP status of one of its tunnels last changed, as AWS reports it.",
        last_change(CONNECTIONS, ID),
        unit="dateTimeFromNow",
        empty="Not reported",
        width=4,
    ),
    number(
        "Available, 7 days",
        "Share of the last 7 days with at least one tunnel up. Needs the recording rules.",
        availability("up", "7d", CONNECTIONS),
        unit="percentunit",
        decimals=3,
        empty="Not recorded",
    ),
    number(
        "Available, 30 days",
        "Share of the last 30 days with at least one tunnel up. Needs the recording rules.",
        availability("up", "30d", CONNECTIONS),
        unit="percentunit",
        decimals=3,
        empty="Not recorded",
    ),
)

TUNNELS = rows(
    "Tunnels",
    "Each tunnel's state, the reason that AWS gives, and since when. Probable cause: what the evidence points to; it "
    "leads to what to do, and the exporter's own page shows the evidence. Changes: how often the status changed "
    "within the time shown.",
    (
        TUNNEL_IP,
        Column("State", expr=tunnel_state(CONNECTIONS, _TUNNEL), words=TUNNEL_STATE, width=240),
        CAUSE,
        Column("Since", expr=last_change(CONNECTIONS, _TUNNEL), unit="dateTimeAsLocal", width=170),
        Column("Routes", expr=newest("aws_vpn_tunnel_accepted_routes", CONNECTIONS, _TUNNEL), unit="none", width=80),
        Column(
            "Changes",
            expr=f"max by ({_TUNNEL}) "
            f"(changes(aws_vpn_tunnel_last_status_change_timestamp_seconds{{{CONNECTIONS}}}[$__range]))",
            unit="none",
            width=90,
        ),
        Column("Inside CIDR", label="inside_cidr"),
        Column("", expr=newest("aws_vpn_tunnel_options_info", CONNECTIONS, f"{_TUNNEL}, inside_cidr"), hidden=True),
        Column("", expr=cause(CONNECTIONS, _TUNNEL), hidden=True),
    ),
    sort=("State", False),
    empty="AWS reports no tunnel of this connection: it is pending, being deleted, or not chosen above",
    width=16,
    height=6,
)

ALERTS = rows(
    "Alerts about this connection",
    "What Prometheus alerts about now. A name leads to the runbook that says what to do.",
    (
        Column(
            "Severity",
            expr=severity_rank(_firing),
            words=SEVERITY,
            width=110,
        ),
        Column("Alert: click for its runbook", label="alertname", link=TO_RUNBOOK),
    ),
    sort=("Severity", False),
    empty="No alert fires for this connection, provided that the alerting rules are loaded",
    width=8,
    height=6,
)

STATES = timeline(
    "State of each tunnel over time",
    "What AWS reported of each tunnel. A gap is time of which nothing is known.",
    tunnel_state(CONNECTIONS, _TUNNEL),
    TUNNEL_STATE,
    legend="{{tunnel_ip}}",
    empty="Nothing is known of this connection's tunnels in this time",
)

ROUTES = lines(
    "Accepted routes",
    "Routes that AWS accepted from the customer gateway. On a static connection AWS counts the static routes, even "
    "while the tunnel is down.",
    {"{{tunnel_ip}}": newest("aws_vpn_tunnel_accepted_routes", CONNECTIONS, _TUNNEL)},
    unit="none",
    stepped=True,
    empty="No routes are reported in this time",
)

STATUS_CHANGES = lines(
    "Status changes in an hour",
    "How often each tunnel's status changed within the hour before. A tunnel that rekeys well stays at 0; four or "
    "more are what AwsVpnTunnelFlapping alerts about.",
    {
        "{{tunnel_ip}}": f"max by ({_TUNNEL}) "
        f"(changes(aws_vpn_tunnel_last_status_change_timestamp_seconds{{{CONNECTIONS}}}[1h]))"
    },
    unit="none",
    stepped=True,
    empty="No status changes are known in this time",
)

SOURCES = rows(
    "Traffic and maintenance of each tunnel",
    "Received from the customer gateway and sent to it: bytes per second over the period that ended at the time "
    "beside. May be idle: a policy says that the tunnel is a standby. Maintenance: AWS has a replacement of the "
    "tunnel's endpoint pending, and from the time beside on applies it without asking. Provisioning: how AWS's own "
    "set-up of the tunnel stands.",
    (
        TUNNEL_IP,
        Column(
            "Received",
            expr=newest("aws_vpn_tunnel_receive_bytes_per_second", CONNECTIONS, _TUNNEL),
            unit="Bps",
            width=110,
        ),
        Column(
            "Sent", expr=newest("aws_vpn_tunnel_transmit_bytes_per_second", CONNECTIONS, _TUNNEL), unit="Bps", width=110
        ),
        Column(
            "Period ended",
            expr=f"1000 * {newest('aws_vpn_tunnel_traffic_timestamp_seconds', CONNECTIONS, _TUNNEL)}",
            unit="dateTimeFromNow",
            width=140,
        ),
        Column(
            "May be idle",
            expr=newest("aws_vpn_tunnel_standby", CONNECTIONS, _TUNNEL),
            words=STANDBY,
            quiet=True,
            width=100,
        ),
        Column(
            "Maintenance",
            expr=newest("aws_vpn_tunnel_maintenance_pending", CONNECTIONS, _TUNNEL),
            words=MAINTENANCE,
            quiet=True,
            width=120,
        ),
        Column(
            "Applied by AWS from",
            expr="1000 * "
            + newest("aws_vpn_tunnel_maintenance_auto_applied_after_timestamp_seconds", CONNECTIONS, _TUNNEL),
            unit="dateTimeAsLocal",
            width=170,
        ),
        Column(
            "Last maintenance",
            expr=f"1000 * {newest('aws_vpn_tunnel_last_maintenance_timestamp_seconds', CONNECTIONS, _TUNNEL)}",
            unit="dateTimeAsLocal",
            width=170,
        ),
        Column("Provisioning", label="provisioning_status"),
        Column(
            "",
            expr=one("aws_vpn_tunnel_negotiated_info", CONNECTIONS, _TUNNEL, "provisioning_status"),
            hidden=True,
        ),
    ),
    empty=nothing_read("traffic", "maintenance", "negotiated"),
    height=5,
)

TRAFFIC = lines(
    "Traffic",
    "Bytes per second, from CloudWatch, which publishes a period some minutes after its end. Traffic is no proof that "
    "a tunnel is up, and none is no proof that it is down.",
    {
        "{{tunnel_ip}} received": newest("aws_vpn_tunnel_receive_bytes_per_second", CONNECTIONS, _TUNNEL),
        "{{tunnel_ip}} sent": newest("aws_vpn_tunnel_transmit_bytes_per_second", CONNECTIONS, _TUNNEL),
    },
    unit="Bps",
    empty=nothing_read("traffic"),
    width=9,
)


_OTHER = ', event="other"'


def _logged(window: str, by: str, only: str = "") -> str:
    """How many events both tunnels' logs had within a time."""
    events = f"aws_vpn_tunnel_log_events_total{{{CONNECTIONS}{only}}}"
    return f"max by ({by}) (increase({events}[{window}]))"


LOG_EVENTS = lines(
    "Log events over time",
    "What AWS logged about both tunnels, by what it is about.",
    {"{{event}}": f"sum by (event) ({_logged('$__rate_interval', f'event, {_TUNNEL}')}) > 0"},
    unit="none",
    empty="No event in this time, or none is read: see the log events of each tunnel",
    stacked=True,
    bars=True,
    width=6,
)

LOG_TABLE = rows(
    "Log events of each tunnel",
    "How many events (rows) AWS logged about each tunnel (columns) within the time shown. Other: lines whose wording "
    "the exporter does not know.",
    (
        LOG_EVENT,
        Column("Events", expr=f"{_logged('$__range', f'event, {_TUNNEL}')} > 0", unit="none", decimals=0),
    ),
    matrix=Matrix(rows="event", columns=_TUNNEL),
    empty="No event in this time, or none is read: that takes the exporter's block logs and the tunnel's own log",
    width=6,
    height=8,
)

LOG_OTHER = number(
    "Not understood",
    "Of the log events within the time shown, the share of other: their wording is not in the exporter's table of "
    "patterns. Where it is large, causes may go unseen.",
    f"sum({_logged('$__range', _TUNNEL, _OTHER)})\n/ (sum({_logged('$__range', f'event, {_TUNNEL}')}) > 0)",
    unit="percentunit",
    decimals=0,
    colors=((None, PLAIN), (0.5, ORANGE)),
    empty="No event",
    width=3,
    height=8,
)

_INFO = "name, category, customer_gateway_id, transit_gateway_id, vpn_gateway_id, routing, accelerated, bandwidth"

ABOUT = rows(
    "What it connects",
    "Names and attachments of the connection. Its ID leads to the AWS console.",
    (
        Column("Name", label="name", width=170),
        CONNECTION_ID,
        Column("Account", label="account_id", width=130),
        Column("Region", label="region", width=110),
        Column("Customer gateway", label="customer_gateway_id", width=200),
        Column("Transit gateway", label="transit_gateway_id", width=200),
        Column("Virtual gateway", label="vpn_gateway_id", width=200),
        Column("Routing", label="routing", width=80),
        Column("Accelerated", label="accelerated", width=100),
        Column("Bandwidth", label="bandwidth", width=100),
        Column("Category", label="category", width=90),
        Column("", expr=newest("aws_vpn_connection_info", CONNECTIONS, f"{ID}, {_INFO}"), hidden=True),
    ),
    empty="AWS does not list this connection now",
    height=4,
)


def _numbers() -> str:
    """All options that are numbers or switches, told apart by a label `option` made of the metric's name."""
    names = "|".join(
        option.published_as.removeprefix("aws_vpn_tunnel_")
        for option in OPTIONS
        if option.is_number or option.is_switch
    )
    every = f'{{__name__=~"aws_vpn_tunnel_({names})", {CONNECTIONS}}}'
    return (
        f"max by (option, {_TUNNEL}) (\n"
        f'  label_replace({every},\n  "option", "$1", "__name__", "aws_vpn_tunnel_(.+)")\n)'
    )


def _words() -> str:
    """All options that are words or sets: the label `setting` of each is its value."""
    return "\nor ".join(
        f"max by (option, setting, {_TUNNEL}) (label_replace(label_replace(\n"
        f'  aws_vpn_tunnel_options_info{{{CONNECTIONS}}}, "setting", "$1", "{option.published_as}", "(.*)"),\n'
        f'  "option", "{option.published_as}", "", ""))'
        for option in OPTIONS
        if not (option.is_number or option.is_switch)
    )


OPTION_WORDS = rows(
    "Options: words and sets",
    "Each option (rows) of each tunnel (columns). An option that nobody has set shows what AWS documents as its "
    "default; blank is none.",
    (
        OPTION_NAME,
        Column("Setting", expr=_words()),
    ),
    matrix=Matrix(rows="option", columns=_TUNNEL, cells="setting"),
    empty="AWS reports no tunnel options of this connection",
    width=16,
    height=13,
)

OPTION_NUMBERS = rows(
    "Options: numbers",
    "Each option (rows) of each tunnel (columns); 1 is on and 0 is off. An option that nobody has set shows "
    "what AWS documents as its default.",
    (
        OPTION_NAME,
        Column("Value", expr=_numbers(), unit="none"),
    ),
    matrix=Matrix(rows="option", columns=_TUNNEL),
    empty="AWS reports no tunnel options of this connection",
    width=8,
    height=13,
)

AGAINST_GATEWAY = rows(
    "Beside the customer gateway",
    "Whether AWS's options agree with those of the customer gateway, for each option that a policy in the exporter's "
    "configuration states. Where they differ, the tunnel may fail at the next rekey.",
    (
        OPTION_NAME,
        Column(
            "Agreement",
            expr=newest("aws_vpn_tunnel_option_mismatch", CONNECTIONS, f"option, {_TUNNEL}"),
            unit="none",
            words=AGREEMENT,
        ),
    ),
    matrix=Matrix(rows="option", columns=_TUNNEL),
    empty="No policy states this customer gateway's options",
    width=6,
    height=13,
)

_WHERE_READ = f" and on ({_TUNNEL}) aws_vpn_tunnel_negotiated_info{{{CONNECTIONS}}}"
_NEGOTIABLE = tuple(option for option in OPTIONS if option.published_as in NEGOTIATED_AS)


def _each(read: Callable[[Option], str], labels: str) -> str:
    """One series for each option that is negotiated and each tunnel: `read` finds the labels of one option."""
    every = "\n  or ".join(f'label_replace({read(option)}, "option", "{option.key}", "", "")' for option in _NEGOTIABLE)
    return f"max by (option, {_TUNNEL}{labels}) (\n  {every}\n)"


def _permitted(option: Option) -> str:
    permitted = f"aws_vpn_tunnel_options_info{{{CONNECTIONS}}}{_WHERE_READ}"
    return f'label_replace({permitted}, "permitted", "$1", "{option.published_as}", "(.*)")'


def _negotiated(option: Option) -> str:
    label = NEGOTIATED_AS[option.published_as]
    agreed = one("aws_vpn_tunnel_negotiated_info", f'{CONNECTIONS}, {label}!=""', _TUNNEL, label)
    return f'label_replace({agreed}, "negotiated", "$1", "{label}", "(.*)")'


_STATED = "|".join(option.key for option in _NEGOTIABLE)

NEGOTIATED = rows(
    "Negotiated beside permitted",
    "On what the two sides agreed, beside what AWS permits and whether that fits the customer gateway as a policy in "
    "the exporter's configuration states it. Nothing is negotiated with a tunnel that is down.",
    (
        OPTION_NAME,
        TUNNEL_IP,
        Column("Negotiated", label="negotiated", width=150),
        Column(
            "Customer gateway",
            expr=newest(
                "aws_vpn_tunnel_option_mismatch",
                f'{CONNECTIONS}, option=~"{_STATED}"',
                f"option, {_TUNNEL}",
            )
            + _WHERE_READ,
            words=AGREEMENT,
            quiet=True,
            width=150,
        ),
        Column("Permitted at AWS", label="permitted"),
        Column("", expr=_each(_permitted, ", permitted"), hidden=True),
        Column("", expr=_each(_negotiated, ", negotiated"), hidden=True),
    ),
    sort=("Option", False),
    empty=nothing_read("negotiated"),
    width=18,
    height=13,
)

CONNECTION = Board(
    uid="aws-vpn-connection",
    title="AWS VPN / Connection",
    description="One AWS Site-to-Site VPN connection: which tunnel is down, why, since when, and how it is set up.",
    sections=(
        Section("", (*NOW, TUNNELS, ALERTS, STATES)),
        Section("Routes and changes", (ROUTES, STATUS_CHANGES)),
        Section("Traffic, maintenance and logs", (SOURCES, TRAFFIC, LOG_EVENTS, LOG_TABLE, LOG_OTHER)),
        Section("Set-up", (ABOUT, NEGOTIATED, AGAINST_GATEWAY, OPTION_WORDS, OPTION_NUMBERS)),
    ),
    connections="one",
)
