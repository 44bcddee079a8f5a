"""Which sites are in trouble, why, since when, and what is alone on its last tunnel; all else comes below."""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

from grafana.board import Board, Section
from grafana.capacity import CAPACITY
from grafana.panels import CALM, GREEN, GREY, ORANGE, PURPLE, RED, Words, lines, number
from grafana.queries import (
    ID,
    TARGET_ID,
    TARGETS,
    TUNNEL_ID,
    accounts,
    availability,
    below_expectation,
    cause_of_failures,
    connection_status,
    count,
    down,
    fell,
    firing,
    firing_anywhere,
    identities,
    in_trouble,
    last_change,
    main_cause,
    named,
    newest,
    of_those_in_trouble,
    read,
    redundancy_lost,
    severity_rank,
    tunnel_state,
    tunnels_expected,
    tunnels_up,
    without_routes,
)
from grafana.tables import Column, Facts, Matrix, link, matrix, rows
from grafana.vocabulary import (
    ACCOUNT,
    ANSWERING,
    CAUSE,
    CONFIDENCE,
    CONNECTION_STATUS,
    IDENTITY_LABELS,
    NAME,
    REGION,
    SEVERITY,
    TO_CONNECTION,
    TO_RUNBOOK,
    TUNNEL_IP,
    TUNNEL_STATE,
    WHERE,
)

_CONNECTION = ("vpn_connection_id",)
_TUNNEL = ("vpn_connection_id", "tunnel_ip")
_TARGET = ("account_id", "region")
_TARGET_UP = newest("aws_vpn_target_up", TARGETS, TARGET_ID)
_NO_ANSWER, _NOTHING_THERE = -1, -2

_UP_7D, _UP_30D = (availability("up", window, TARGETS) for window in ("7d", "30d"))
_REDUNDANT_7D, _REDUNDANT_30D = (availability("redundant", window, TARGETS) for window in ("7d", "30d"))
_BUDGET_LEFT = f"1 - (1 - {_UP_30D}) / (1 - $objective)"


def _of_trouble(expr: str) -> str:
    return of_those_in_trouble(expr, TARGETS)


FIRST_LOOK = (
    number(
        "Down",
        "Connections in service of which no tunnel is up. Nothing passes between these sites and AWS.",
        count(down(TARGETS)),
        colors=((None, CALM), (1, RED)),
        width=6,
        height=3,
    ),
    number(
        "Alone on too few tunnels",
        "Connections that are up on fewer tunnels than expected, mostly on one alone: the next failure cuts the site "
        "off.",
        count(redundancy_lost(TARGETS)),
        colors=((None, CALM), (1, ORANGE)),
        width=6,
        height=3,
    ),
    number(
        "Up without routes",
        "Connections with a tunnel that is up although AWS has accepted no route over it: it carries nothing.",
        count(without_routes(TARGETS)),
        colors=((None, CALM), (1, PURPLE)),
        width=6,
        height=3,
    ),
    number(
        "Accounts and regions unseen",
        "Accounts and regions for which AWS gives no good answer: nobody sees whether their connections are up.",
        count(f"{_TARGET_UP} == 0", _TARGET_UP),
        colors=((None, CALM), (1, RED)),
        width=6,
        height=3,
    ),
    rows(
        "In trouble, the worst first",
        "One row for each connection that somebody has to look at. Probable cause: what the evidence points to; it "
        "leads to what to do. Since: when the latest of its tunnels that are not well changed its status. A name leads "
        "to the connection's own dashboard, an ID to the AWS console.",
        (
            Column("Status", expr=in_trouble(TARGETS), words=CONNECTION_STATUS, link=TO_CONNECTION, width=180),
            NAME,
            Column("Up", expr=_of_trouble(tunnels_up(TARGETS)), unit="none", width=50),
            Column("Expected", expr=_of_trouble(tunnels_expected(TARGETS)), unit="none", width=90),
            Column("Since", expr=_of_trouble(fell(TARGETS)), unit="dateTimeFromNow", width=140),
            CAUSE,
            CONFIDENCE,
            *WHERE,
        ),
        key=_CONNECTION,
        facts=(
            Facts(IDENTITY_LABELS, _of_trouble(identities(TARGETS))),
            Facts(("cause",), _of_trouble(main_cause(TARGETS)), may_lack=("confidence",)),
        ),
        sort=(("Status", False), ("Since", True)),
        empty="No connection is known to be in trouble",
        height=15,
    ),
)

ALERTS = rows(
    "Alerts that fire",
    "What Prometheus alerts about now, and how often. A name leads to the runbook that says what to do.",
    (
        Column("Severity", expr=severity_rank(firing_anywhere), words=SEVERITY, width=110),
        Column("Alert: click for its runbook", label="alertname", link=TO_RUNBOOK),
        Column("Firing", expr=f"count by (alertname) ({firing_anywhere()})", unit="none", width=80),
    ),
    key=("alertname",),
    sort=(("Severity", False), ("Firing", True)),
    empty="No alert fires, provided that the alerting rules are loaded",
    width=12,
    height=9,
)

MAP = matrix(
    "Trouble by account and region",
    "How many connections have fewer tunnels up than expected, for each account (rows) and region (columns). "
    "A click shows that account and region alone.",
    f"""{_NO_ANSWER} + ({_TARGET_UP} == 0)
or count by ({TARGET_ID}) ({below_expectation(TARGETS)})
or 0 * count by ({TARGET_ID}) ({tunnels_expected(TARGETS)})
or {_NOTHING_THERE} * ({_TARGET_UP} == 1)""",
    Matrix(rows="account_id", columns="region"),
    head=Column("Account", label="account_id", width=130),
    cells=Column(
        "Connections below expectation",
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
    empty="The exporter watches no account and region here",
    width=12,
    height=9,
)

COUNTS = (
    number(
        "Connections",
        "All VPN connections that AWS lists, in whatever state.",
        count(newest("aws_vpn_connection_state", TARGETS)),
        width=6,
        height=3,
    ),
    number(
        "Fully up",
        "Connections with all the tunnels up that are expected of them, as a share of those in service.",
        f"({count(f'{tunnels_up(TARGETS)} >= {tunnels_expected(TARGETS)}')})\n/ count({tunnels_expected(TARGETS)})",
        unit="percentunit",
        decimals=1,
        colors=((None, ORANGE), (1, GREEN)),
        empty="No connection is in service",
        width=6,
        height=3,
    ),
    number(
        "Maintenance pending",
        "Connections with a tunnel whose endpoint AWS is going to replace: each one goes down for some minutes. Needs "
        "the exporter's block maintenance.",
        count(newest("aws_vpn_tunnel_maintenance_pending", TARGETS) + " == 1", read("maintenance")),
        colors=((None, CALM), (1, ORANGE)),
        empty="Not read in full",
        width=6,
        height=3,
    ),
    number(
        "Mean availability, 30 d",
        "The availability of all connections over 30 days, each counting the same.",
        f"avg({_UP_30D})",
        unit="percentunit",
        decimals=3,
        empty="Nothing recorded yet",
        width=6,
        height=3,
    ),
)

CONNECTIONS = rows(
    "All connections",
    "One row for each connection that AWS lists. Worst tunnel: the state of the tunnel that is worst off; a connection "
    "that is meant to have one tunnel may well have one that is down. Last change: of the IKE, IPsec or BGP status of "
    "one of its tunnels, as AWS reports it. Available: share of the last 30 days with at least one tunnel up.",
    (
        Column("Status", expr=connection_status(TARGETS), words=CONNECTION_STATUS, link=TO_CONNECTION, width=180),
        NAME,
        Column("Up", expr=tunnels_up(TARGETS), unit="none", width=50),
        Column("Expected", expr=tunnels_expected(TARGETS), unit="none", width=90),
        Column("Worst tunnel", expr=f"min by ({ID}) (\n{tunnel_state(TARGETS)}\n)", words=TUNNEL_STATE, quiet=True),
        Column("Last change", expr=last_change(TARGETS, ID), unit="dateTimeFromNow", width=140),
        Column("Available, 30 d", expr=_UP_30D, unit="percentunit", decimals=3, width=130),
        *WHERE,
    ),
    key=_CONNECTION,
    facts=(Facts(IDENTITY_LABELS, identities(TARGETS)),),
    sort=(("Status", False), ("Connection", False)),
    empty="AWS lists no VPN connection here",
    height=12,
)

AVAILABILITY = rows(
    "Availability of each connection",
    "Available: share of the time with at least one tunnel up. Redundant: with all expected tunnels up. Time of which "
    "nothing is known does not count. Budget left: how much of the downtime that the objective allows in 30 days is "
    "still unused; below 0 % the objective is missed. Needs the recording rules.",
    (
        NAME,
        Column(
            "Budget left, 30 d",
            expr=_BUDGET_LEFT,
            unit="percentunit",
            decimals=0,
            colors=((None, RED), (0, ORANGE), (0.25, GREEN)),
            width=140,
        ),
        Column("Available, 30 d", expr=_UP_30D, unit="percentunit", decimals=3, width=125),
        Column("Available, 7 d", expr=_UP_7D, unit="percentunit", decimals=3, width=115),
        Column("Redundant, 30 d", expr=_REDUNDANT_30D, unit="percentunit", decimals=3, width=130),
        Column("Redundant, 7 d", expr=_REDUNDANT_7D, unit="percentunit", decimals=3, width=120),
        ACCOUNT,
        REGION,
    ),
    key=_CONNECTION,
    # Of those that have an availability: all others have no row here.
    facts=(Facts((*IDENTITY_LABELS,), f"{identities(TARGETS)}\nand on ({ID}) {_UP_30D}"),),
    sort=(("Budget left, 30 d", False), ("Connection", False)),
    empty="No availability is recorded yet: are the recording rules loaded?",
    width=16,
    height=10,
)

OBJECTIVE = number(
    "Below the objective, 30 d",
    "Connections that have used up all the downtime that the objective allows in 30 days.",
    count(f"{_UP_30D} < $objective", _UP_30D),
    colors=((None, CALM), (1, RED)),
    empty="Nothing recorded yet",
    width=8,
    height=3,
)

HISTORY = lines(
    "Connections that alerted",
    "For how many connections the alerts about lost tunnels fired, over time.",
    {
        "{{alertname}}": f"""count by (alertname) (
  max by (alertname, {ID}) ({firing(TARGETS, alerts="AwsVpnConnection(Down|RedundancyLost)")})
)"""
    },
    unit="none",
    decimals=0,
    colors={"AwsVpnConnectionDown": RED, "AwsVpnConnectionRedundancyLost": ORANGE},
    empty="No connection alerted in this time",
    stacked=True,
    stepped=True,
    width=8,
    height=7,
)

_CHANGED_LAST = f"topk(50, {last_change(TARGETS)})"

CHANGES = rows(
    "Recent changes",
    "The 50 tunnels whose IKE, IPsec or BGP status changed last, as AWS reports it.",
    (
        Column("Changed", expr=_CHANGED_LAST, unit="dateTimeFromNow", width=140),
        NAME,
        TUNNEL_IP,
        Column(
            "State", expr=f"(\n{tunnel_state(TARGETS)}\n)\nand on ({TUNNEL_ID}) {_CHANGED_LAST}", words=TUNNEL_STATE
        ),
        ACCOUNT,
    ),
    key=_TUNNEL,
    facts=(Facts((*IDENTITY_LABELS, "tunnel_ip"), named(_CHANGED_LAST, TARGETS)),),
    sort=(("Changed", True), ("Connection", False)),
    empty="AWS has reported no change of status",
    width=13,
    height=10,
)

TARGET_HEALTH = rows(
    "Is AWS answering?",
    "One row for each account and region that the exporter watches. Cause: of the polls that failed within the time "
    "shown, the most frequent one.",
    (
        Column("Status", expr=_TARGET_UP, words=ANSWERING, width=120),
        ACCOUNT,
        REGION,
        Column(
            "Last answer",
            expr=f"1000 * ({newest('aws_vpn_target_last_success_timestamp_seconds', TARGETS, TARGET_ID)} > 0)",
            unit="dateTimeFromNow",
            width=140,
        ),
        Column("Failures", label="cause"),
    ),
    key=_TARGET,
    facts=(
        Facts(("account", "region"), accounts()),
        Facts(
            ("cause",),
            cause_of_failures(
                f"increase(aws_vpn_target_poll_failures_total{{{TARGETS}}}[$__range])", TARGET_ID, _TARGET_UP
            ),
        ),
    ),
    sort=(("Status", False), ("Account", False), ("Region", False)),
    empty="The exporter watches no account and region here",
    width=11,
    height=10,
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
    description="Which AWS Site-to-Site VPN connections are in trouble, why, since when, and how available they are.",
    sections=(
        Section("", FIRST_LOOK),
        Section("What alerts, and where", (ALERTS, MAP)),
        Section("The whole fleet", (*COUNTS, CONNECTIONS)),
        Section("Availability against the objective", (AVAILABILITY, OBJECTIVE, HISTORY)),
        Section("Recent changes and the view on AWS", (CHANGES, TARGET_HEALTH)),
        Section("Sites and capacity: open to ask", CAPACITY, closed=True),
    ),
    more_variables=(_CHOICE_OF_OBJECTIVE,),
)
