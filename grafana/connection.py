"""One connection: what is wrong with which tunnel, since when, and what happened; its set-up comes last."""

from grafana.annotations import connection_changes, maintenance
from grafana.board import Board, Section
from grafana.connection_setup import SETUP
from grafana.connection_sources import OPTIONAL_SOURCES, PATH_QUALITY
from grafana.panels import lines, number, timeline
from grafana.queries import (
    CONNECTIONS,
    ID,
    availability,
    cause,
    connection_status,
    firing,
    last_change,
    newest,
    severity_rank,
    tunnel_state,
    tunnels_expected,
    tunnels_up,
)
from grafana.tables import Column, Facts, rows
from grafana.vocabulary import (
    CAUSE,
    CONFIDENCE,
    CONNECTION_STATUS,
    SEVERITY,
    TO_RUNBOOK,
    TUNNEL_IP,
    TUNNEL_STATE,
)

_TUNNEL = "tunnel_ip"
_CHANGES = f"aws_vpn_tunnel_last_status_change_timestamp_seconds{{{CONNECTIONS}}}"


def _firing(severity: str) -> str:
    return firing(CONNECTIONS, severity=severity)


NOW = (
    number(
        "Status",
        "How the connection is now, as on the fleet dashboard.",
        connection_status(CONNECTIONS),
        words=CONNECTION_STATUS,
        empty="Not listed by AWS",
        width=6,
        height=3,
    ),
    number(
        "Tunnels up",
        "Tunnels that AWS reports UP.",
        tunnels_up(CONNECTIONS),
        empty="Not reported",
        width=3,
        height=3,
    ),
    number(
        "Tunnels expected",
        "Tunnels that are meant to be up: 2, or what a policy in the exporter's configuration says.",
        tunnels_expected(CONNECTIONS),
        empty="None",
        width=3,
        height=3,
    ),
    number(
        "Last change",
        "When the IKE, IPsec or BGP status of one of its tunnels last changed, as AWS reports it.",
        last_change(CONNECTIONS, ID),
        unit="dateTimeFromNow",
        empty="Not reported",
        height=3,
    ),
    number(
        "Available, 7 days",
        "Share of the last 7 days with at least one tunnel up. Needs the recording rules.",
        availability("up", "7d", CONNECTIONS),
        unit="percentunit",
        decimals=3,
        empty="Not recorded",
        height=3,
    ),
    number(
        "Available, 30 days",
        "Share of the last 30 days with at least one tunnel up. Needs the recording rules.",
        availability("up", "30d", CONNECTIONS),
        unit="percentunit",
        decimals=3,
        empty="Not recorded",
        height=3,
    ),
)

TUNNELS = rows(
    "Tunnels",
    "Each tunnel's state, the reason that AWS gives, and since when. Probable cause: what the evidence points to; it "
    "leads to what to do, and the exporter's own page shows the evidence. Changes: how often the status changed "
    "within the time shown.",
    (
        TUNNEL_IP,
        Column("State", expr=tunnel_state(CONNECTIONS, _TUNNEL), words=TUNNEL_STATE, width=260),
        CAUSE,
        CONFIDENCE,
        Column("Since", expr=last_change(CONNECTIONS, _TUNNEL), unit="dateTimeAsIso", width=180),
        Column("Routes", expr=newest("aws_vpn_tunnel_accepted_routes", CONNECTIONS, _TUNNEL), unit="none", width=90),
        Column("Changes", expr=f"max by ({_TUNNEL}) (changes({_CHANGES}[$__range]))", unit="none", width=90),
        Column("Inside CIDR", label="inside_cidr"),
    ),
    key=(_TUNNEL,),
    facts=(
        Facts(("inside_cidr",), newest("aws_vpn_tunnel_options_info", CONNECTIONS, f"{_TUNNEL}, inside_cidr")),
        Facts(
            ("cause",),
            f"{cause(CONNECTIONS, _TUNNEL)}\nor on ({_TUNNEL}) 0 * {newest('aws_vpn_tunnel_up', CONNECTIONS, _TUNNEL)}",
            may_lack=("confidence",),
        ),
    ),
    sort=(("State", False), ("Tunnel (outside IP)", False)),
    empty="AWS reports no tunnel of this connection: it is pending, being deleted, or not chosen above",
    height=5,
)

STATES = timeline(
    "State of each tunnel over time",
    "What AWS reported of each tunnel. A gap is time of which nothing is known.",
    tunnel_state(CONNECTIONS, _TUNNEL),
    TUNNEL_STATE,
    legend="{{tunnel_ip}}",
    empty="Nothing is known of this connection's tunnels in this time",
    width=16,
    height=7,
)

ALERTS = rows(
    "Alerts about this connection",
    "What Prometheus alerts about now. A name leads to the runbook that says what to do.",
    (
        Column("Severity", expr=severity_rank(_firing), words=SEVERITY, width=110),
        Column("Alert: click for its runbook", label="alertname", link=TO_RUNBOOK),
    ),
    key=("alertname",),
    sort=(("Severity", False), ("Alert: click for its runbook", False)),
    empty="No alert fires for this connection, provided that the alerting rules are loaded",
    width=8,
    height=7,
)

ROUTES = lines(
    "Accepted routes",
    "Routes that AWS accepted from the customer gateway. On a static connection AWS counts the static routes, even "
    "while the tunnel is down.",
    {"{{tunnel_ip}}": newest("aws_vpn_tunnel_accepted_routes", CONNECTIONS, _TUNNEL)},
    unit="none",
    decimals=0,
    stepped=True,
    empty="No routes are reported in this time",
)

STATUS_CHANGES = lines(
    "Status changes in an hour",
    "How often each tunnel's status changed within the hour before. A tunnel that rekeys well stays at 0; four or "
    "more are what AwsVpnTunnelFlapping alerts about.",
    {"{{tunnel_ip}}": f"max by ({_TUNNEL}) (changes({_CHANGES}[1h]))"},
    unit="none",
    decimals=0,
    stepped=True,
    empty="No status changes are known in this time",
)

CONNECTION = Board(
    uid="aws-vpn-connection",
    title="AWS VPN / Connection",
    description="One AWS Site-to-Site VPN connection: which tunnel is down, why, since when, and how it is set up.",
    sections=(
        Section("", (*NOW, TUNNELS, STATES, ALERTS)),
        Section("Routes and changes", (ROUTES, STATUS_CHANGES)),
        Section("Traffic, maintenance and logs", OPTIONAL_SOURCES),
        Section("Path quality", PATH_QUALITY),
        Section("Set-up", SETUP),
    ),
    connections="one",
    more_annotations=(maintenance(), connection_changes()),
)
