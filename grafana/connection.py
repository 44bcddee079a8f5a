"""One connection: what is wrong with which tunnel, since when, and how it is set up."""

from aws_vpn_exporter.options import OPTIONS
from grafana.board import Board, Section
from grafana.panels import Column, Matrix, lines, number, rows, timeline
from grafana.queries import (
    CONNECTIONS,
    ID,
    availability,
    connection_status,
    firing,
    last_change,
    newest,
    severity_rank,
    tunnel_state,
    tunnels_expected,
    tunnels_up,
)
from grafana.vocabulary import (
    AGREEMENT,
    CONNECTION_ID,
    CONNECTION_STATUS,
    OPTION_NAME,
    SEVERITY,
    TO_RUNBOOK,
    TUNNEL_IP,
    TUNNEL_STATE,
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
    "Each tunnel's state, the reason that AWS gives, and since when. Changes: how often the status changed within "
    "the time shown.",
    (
        TUNNEL_IP,
        Column("State", expr=tunnel_state(CONNECTIONS, _TUNNEL), words=TUNNEL_STATE, width=250),
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
    ),
    sort=("State", False),
    empty="AWS reports no tunnel of this connection: it is pending, being deleted, or not chosen above",
    width=14,
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
    width=10,
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
    width=12,
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
    width=6,
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

CONNECTION = Board(
    uid="aws-vpn-connection",
    title="AWS VPN / Connection",
    description="One AWS Site-to-Site VPN connection: what is wrong with which tunnel, since when, and its options.",
    sections=(
        Section("", (*NOW, TUNNELS, ALERTS, STATES)),
        Section("Routes and changes", (ROUTES, STATUS_CHANGES)),
        Section("Set-up", (ABOUT, OPTION_WORDS, OPTION_NUMBERS, AGAINST_GATEWAY)),
    ),
    connections="one",
)
