"""Which connections are in trouble, where, and since when."""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

from grafana.board import Board, Section
from grafana.panels import GREEN, GREY, ORANGE, PLAIN, PURPLE, RED, Column, Matrix, Words, lines, link, number, rows
from grafana.queries import (
    ID,
    TARGET_ID,
    TARGETS,
    TUNNEL_ID,
    availability,
    below_expectation,
    cause,
    connection_status,
    count,
    firing,
    firing_anywhere,
    last_change,
    named,
    newest,
    one,
    read,
    redundancy_lost,
    severity_rank,
    tunnel_state,
    tunnels_expected,
    tunnels_up,
    without_routes,
)
from grafana.vocabulary import (
    ACCOUNT,
    ACCOUNT_NAME,
    ANSWERING,
    CAUSE,
    CONNECTION_STATUS,
    IDENTITY,
    NAME,
    REGION,
    SEVERITY,
    TO_CONNECTION,
    TO_RUNBOOK,
    TUNNEL_IP,
    TUNNEL_STATE,
)

_TARGET_UP = newest("aws_vpn_target_up", TARGETS, TARGET_ID)
_NAMES = Column("", expr=newest("aws_vpn_connection_info", TARGETS, f"{ID}, name"), hidden=True)
_ACCOUNT_NAMES = one("aws_vpn_target_info", TARGETS, TARGET_ID, "account_name")
_NO_ANSWER, _NOTHING_THERE = -1, -2


_UP_7D, _UP_30D = (availability("up", window, TARGETS) for window in ("7d", "30d"))
_REDUNDANT_7D, _REDUNDANT_30D = (availability("redundant", window, TARGETS) for window in ("7d", "30d"))
_BUDGET_LEFT = f"1 - (1 - {_UP_30D}) / (1 - $objective)"

COUNTS = (
    number(
        "Connections down",
        "Connections in service of which no tunnel is up. Nothing passes between these sites and AWS.",
        count(f"{tunnels_up(TARGETS)} == 0"),
        colors=((None, PLAIN), (1, RED)),
        width=3,
    ),
    number(
        "Redundancy lost",
        "Connections that are up on fewer tunnels than expected: the next failure cuts the site off.",
        count(redundancy_lost(TARGETS)),
        colors=((None, PLAIN), (1, ORANGE)),
        width=3,
    ),
    number(
        "Up without routes",
        "Connections with a tunnel that is up although AWS has accepted no route over it: it carries nothing.",
        count(without_routes(TARGETS)),
        colors=((None, PLAIN), (1, PURPLE)),
    ),
    number(
        "Fully up",
        "Connections with all the tunnels up that are expected of them, as a share of those in service.",
        f"({count(f'{tunnels_up(TARGETS)} >= {tunnels_expected(TARGETS)}')})\n/ count({tunnels_expected(TARGETS)})",
        unit="percentunit",
        decimals=1,
        colors=((None, ORANGE), (1, GREEN)),
        empty="No connection is in service",
        width=3,
    ),
    number(
        "Connections",
        "All VPN connections that AWS lists, in whatever state.",
        count(newest("aws_vpn_connection_state", TARGETS)),
        width=3,
    ),
    number(
        "Maintenance pending",
        "Connections with a tunnel whose endpoint AWS is going to replace: each one goes down for some minutes. Needs "
        "the exporter's block maintenance.",
        count(newest("aws_vpn_tunnel_maintenance_pending", TARGETS) + " == 1", read("maintenance")),
        colors=((None, PLAIN), (1, ORANGE)),
        empty="Not read in full",
    ),
    number(
        "Targets without an answer",
        "Accounts and regions for which AWS gives no good answer: nobody sees whether their connections are up.",
        count(f"{_TARGET_UP} == 0", _TARGET_UP),
        colors=((None, PLAIN), (1, RED)),
    ),
)

CONNECTIONS = rows(
    "Connections, those in trouble first",
    "One row for each connection that AWS lists. A name leads to the connection's own dashboard, an ID to the AWS "
    "console. Worst tunnel: the state of the tunnel that is worst off; a connection that is meant to have one tunnel "
    "may well have one that is down. Probable cause: what the evidence points to, for most of its tunnels that are not "
    "well; it leads to what to do. Available: share of the last 30 days with at least one tunnel up.",
    (
        Column("Status", expr=connection_status(TARGETS), words=CONNECTION_STATUS, link=TO_CONNECTION, width=160),
        NAME,
        Column("Up", expr=tunnels_up(TARGETS), unit="none", width=60),
        Column("Expected", expr=tunnels_expected(TARGETS), unit="none", width=90),
        Column(
            "Worst tunnel",
            expr=f"min by ({ID}) (\n{tunnel_state(TARGETS)}\n)",
            words=TUNNEL_STATE,
            quiet=True,
            width=240,
        ),
        CAUSE,
        Column("Last change", expr=last_change(TARGETS, ID), unit="dateTimeFromNow", width=150),
        Column("Available, 30 d", expr=_UP_30D, unit="percentunit", decimals=3, width=130),
        ACCOUNT_NAME,
        *IDENTITY,
        Column(
            "",
            expr=f"{_NAMES.expr}\n* on ({TARGET_ID}) group_left (account_name) {_ACCOUNT_NAMES}",
            hidden=True,
        ),
        Column(
            "",
            expr=f"topk by ({ID}) (1, count by ({ID}, cause) (\n  {cause(TARGETS)}\n))",
            hidden=True,
        ),
    ),
    sort=("Status", False),
    empty="AWS lists no VPN connection here",
    height=11,
)

MAP = rows(
    "Trouble by account and region",
    "How many connections have fewer tunnels up than expected, for each account (rows) and region (columns). "
    "A click shows that account and region alone.",
    (
        Column("Account", label="account_id"),
        Column(
            "Connections below expectation",
            expr=f"""{_NO_ANSWER} + ({_TARGET_UP} == 0)
or count by ({TARGET_ID}) ({below_expectation(TARGETS)})
or 0 * count by ({TARGET_ID}) ({tunnels_expected(TARGETS)})
or {_NOTHING_THERE} * ({_TARGET_UP} == 1)""",
            unit="none",
            words=Words(
                {str(_NO_ANSWER): ("NO ANSWER", RED), str(_NOTHING_THERE): ("no connections", GREY), "0": ("0", GREEN)}
            ),
            colors=((None, GREY), (1, ORANGE)),
            link=link(
                "This account and region alone",
                "/d/aws-vpn-fleet?var-datasource=${datasource}&${job:queryparam}"
                "&var-account_id=${__data.fields[0]}&var-region=${__field.name}&${__url_time_range}",
            ),
        ),
    ),
    matrix=Matrix(rows="account_id", columns="region"),
    empty="The exporter watches no account and region here",
    width=12,
    height=8,
)

ALERTS = rows(
    "Alerts that fire",
    "What Prometheus alerts about now, and how often. A name leads to the runbook that says what to do.",
    (
        Column(
            "Severity",
            expr=severity_rank(firing_anywhere),
            words=SEVERITY,
            width=110,
        ),
        Column("Alert", label="alertname", link=TO_RUNBOOK),
        Column(
            "Firing",
            expr=f"count by (alertname) ({firing_anywhere()})",
            unit="none",
            width=90,
        ),
    ),
    sort=("Severity", False),
    empty="No alert fires, provided that the alerting rules are loaded",
    width=12,
    height=8,
)

AVAILABILITY = rows(
    "Availability of each connection",
    "Available: share of the time with at least one tunnel up. Redundant: with all expected tunnels up. Time of which "
    "nothing is known does not count. Budget left: how much of the downtime that the objective allows in 30 days is "
    "still unused; below 0 % the objective is missed. Needs the recording rules.",
    (
        NAME,
        Column("Available, 7 d", expr=_UP_7D, unit="percentunit", decimals=3, width=130),
        Column("Available, 30 d", expr=_UP_30D, unit="percentunit", decimals=3, width=130),
        Column(
            "Budget left, 30 d",
            expr=_BUDGET_LEFT,
            unit="percentunit",
            decimals=0,
            colors=((None, RED), (0, ORANGE), (0.25, GREEN)),
            width=140,
        ),
        Column("Redundant, 7 d", expr=_REDUNDANT_7D, unit="percentunit", decimals=3, width=130),
        Column("Redundant, 30 d", expr=_REDUNDANT_30D, unit="percentunit", decimals=3, width=130),
        *IDENTITY,
        # Names of those that have an availability: all others have no row here.
        Column("", expr=f"{_NAMES.expr} and on ({ID}) {_UP_7D}", hidden=True),
    ),
    sort=("Budget left, 30 d", False),
    empty="No availability is recorded yet: are the recording rules loaded?",
    width=16,
    height=10,
)

OBJECTIVE = (
    number(
        "Below the objective, 30 d",
        "Connections that have used up all the downtime that the objective allows in 30 days.",
        count(f"{_UP_30D} < $objective", _UP_30D),
        colors=((None, PLAIN), (1, RED)),
        empty="Nothing recorded yet",
        height=5,
    ),
    number(
        "Mean availability, 30 d",
        "The availability of all connections over 30 days, each counting the same.",
        f"avg({_UP_30D})",
        unit="percentunit",
        decimals=3,
        empty="Nothing recorded yet",
        height=5,
    ),
)

HISTORY = lines(
    "Connections that alerted",
    "For how many connections the alerts about lost tunnels fired, over time.",
    {
        "{{alertname}}": f"""count by (alertname) (
  max by (alertname, {ID}) ({firing(TARGETS, alerts="AwsVpnConnection(Down|RedundancyLost)")})
)"""
    },
    colors={"AwsVpnConnectionDown": RED, "AwsVpnConnectionRedundancyLost": ORANGE},
    empty="No connection alerted in this time",
    stacked=True,
    stepped=True,
    width=8,
    height=5,
)

CHANGES = rows(
    "Recent changes",
    "The 50 tunnels whose IKE, IPsec or BGP status changed last, as AWS reports it.",
    (
        Column(
            "Changed",
            expr=named(f"topk(50, {last_change(TARGETS)})", TARGETS),
            unit="dateTimeFromNow",
            width=130,
        ),
        NAME,
        TUNNEL_IP,
        Column(
            "State",
            expr=f"(\n{tunnel_state(TARGETS)}\n)\nand on ({TUNNEL_ID}) topk(50, {last_change(TARGETS)})",
            words=TUNNEL_STATE,
            width=240,
        ),
        *IDENTITY,
    ),
    sort=("Changed", True),
    empty="AWS has reported no change of status",
    width=14,
)

TARGET_HEALTH = rows(
    "Targets: is AWS answering?",
    "One row for each account and region that the exporter watches. Cause: of the polls that failed within the time "
    "shown, the most frequent one.",
    (
        Column("Status", expr=_TARGET_UP, words=ANSWERING, width=120),
        ACCOUNT_NAME,
        ACCOUNT,
        REGION,
        Column(
            "Last answer",
            expr=f"1000 * ({newest('aws_vpn_target_last_success_timestamp_seconds', TARGETS, TARGET_ID)} > 0)",
            unit="dateTimeFromNow",
            width=140,
        ),
        Column(
            "Connections",
            expr=f"count by ({TARGET_ID}) ({newest('aws_vpn_connection_state', TARGETS)})",
            unit="none",
            width=100,
        ),
        Column("Cause of failures", label="cause", width=140),
        Column(
            "",
            expr=f"topk by ({TARGET_ID}) (1, max by ({TARGET_ID}, cause) "
            f"(increase(aws_vpn_target_poll_failures_total{{{TARGETS}}}[$__range])) > 0)",
            hidden=True,
        ),
        Column("", expr=_ACCOUNT_NAMES, hidden=True),
    ),
    sort=("Status", False),
    empty="The exporter watches no account and region here",
    width=10,
)

_OBJECTIVES = {"99.5 %": "0.995", "99.9 %": "0.999", "99.95 %": "0.9995", "99.99 %": "0.9999"}
_PROMISED = "99.95 %"
_CHOICE_OF_OBJECTIVE = (
    build.CustomVariable("objective")
    .label("Objective")
    .description("The availability that is promised for each connection")
    .values(", ".join(f"{text} : {ratio}" for text, ratio in _OBJECTIVES.items()))
    .current(model.VariableOption(text=_PROMISED, value=_OBJECTIVES[_PROMISED]))
    .options(
        [
            model.VariableOption(text=text, value=ratio, selected=text == _PROMISED)
            for text, ratio in _OBJECTIVES.items()
        ]
    )
)

FLEET = Board(
    uid="aws-vpn-fleet",
    title="AWS VPN / Fleet",
    description="Which AWS Site-to-Site VPN connections are in trouble, where, and how available they have been.",
    sections=(
        Section("", (*COUNTS, CONNECTIONS, MAP, ALERTS)),
        Section("Availability against the objective", (AVAILABILITY, *OBJECTIVE, HISTORY)),
        Section("Recent changes and the view on AWS", (CHANGES, TARGET_HEALTH)),
    ),
    more_variables=(_CHOICE_OF_OBJECTIVE,),
)
