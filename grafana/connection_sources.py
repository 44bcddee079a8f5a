"""What the exporter's optional sources say about one connection: traffic, maintenance, log events."""

from aws_vpn_exporter.evidence import LogEventClass
from grafana.panels import CALM, ORANGE, lines, number
from grafana.queries import CONNECTIONS, newest, one
from grafana.tables import Column, Facts, Matrix, matrix, rows
from grafana.vocabulary import LOG_EVENT, MAINTENANCE, STANDBY, TUNNEL_IP, nothing_read, spelled

_TUNNEL = "tunnel_ip"
_OTHER = ', event="other"'


def _tunnel(metric: str) -> str:
    return newest(metric, CONNECTIONS, _TUNNEL)


SOURCES = rows(
    "Traffic and maintenance of each tunnel",
    "Received from the customer gateway and sent to it: bytes per second over the period that ended at the time "
    "beside. May be idle: a policy says that the tunnel is a standby. Maintenance: AWS has a replacement of the "
    "tunnel's endpoint pending, and from the time beside on applies it without asking. Provisioning: how AWS's own "
    "set-up of the tunnel stands.",
    (
        TUNNEL_IP,
        Column("Received", expr=_tunnel("aws_vpn_tunnel_receive_bytes_per_second"), unit="Bps", width=110),
        Column("Sent", expr=_tunnel("aws_vpn_tunnel_transmit_bytes_per_second"), unit="Bps", width=110),
        Column(
            "Period ended",
            expr=f"1000 * {_tunnel('aws_vpn_tunnel_traffic_timestamp_seconds')}",
            unit="dateTimeFromNow",
            width=150,
        ),
        Column("May be idle", expr=_tunnel("aws_vpn_tunnel_standby"), words=STANDBY, quiet=True, width=110),
        Column("Maintenance", expr=_tunnel("aws_vpn_tunnel_maintenance_pending"), words=MAINTENANCE, width=130),
        Column(
            "Applied by AWS from",
            expr=f"1000 * {_tunnel('aws_vpn_tunnel_maintenance_auto_applied_after_timestamp_seconds')}",
            unit="dateTimeAsIso",
            width=180,
        ),
        Column(
            "Last maintenance",
            expr=f"1000 * {_tunnel('aws_vpn_tunnel_last_maintenance_timestamp_seconds')}",
            unit="dateTimeAsIso",
            width=180,
        ),
        Column("Provisioning", label="provisioning_status"),
    ),
    key=(_TUNNEL,),
    facts=(
        Facts(
            ("provisioning_status",),
            one("aws_vpn_tunnel_negotiated_info", CONNECTIONS, _TUNNEL, "provisioning_status"),
        ),
    ),
    sort=(("Tunnel (outside IP)", False),),
    empty=nothing_read("traffic", "maintenance", "negotiated"),
    height=5,
)

TRAFFIC = lines(
    "Traffic",
    "Bytes per second, from CloudWatch, which publishes a period some minutes after its end. Traffic is no proof that "
    "a tunnel is up, and none is no proof that it is down.",
    {
        "{{tunnel_ip}} received": _tunnel("aws_vpn_tunnel_receive_bytes_per_second"),
        "{{tunnel_ip}} sent": _tunnel("aws_vpn_tunnel_transmit_bytes_per_second"),
    },
    unit="Bps",
    empty=nothing_read("traffic"),
)


_PINGED = 'job="aws-vpn-keepalive", account_id=~"$account_id", region=~"$region", vpn_connection_id=~"$connection"'
"""The keepalive is a job of its own."""
_NO_PINGS = "Nothing measured: it takes the keepalive, which pings hosts behind the connection"


def _usual(record: str, best: str) -> str:
    """What is recorded once an hour."""
    return f"{best} by (vpn_connection_id) (last_over_time({record}{{{_PINGED}}}[2h]))"


PATH_LOSS = lines(
    "Pings that get lost",
    "Share of the keepalive's pings within five minutes that nobody answered: to the host behind the connection that "
    "answers best, and through each tunnel where its inside address is pinged. Usual: the worst hours of a week.",
    {
        "best host": newest("vpn_connection:path_loss:ratio5m", _PINGED, "vpn_connection_id"),
        "{{tunnel_ip}}": newest("vpn_tunnel:path_loss:ratio5m", _PINGED, _TUNNEL),
        "usual": _usual("vpn_connection:path_loss:usual", "max"),
    },
    unit="percentunit",
    reach=0.1,
    empty=_NO_PINGS,
)

PATH_RTT = lines(
    "Round-trip time",
    "How long the keepalive's pings take, on average of five minutes: to the nearest host behind the connection, and "
    "through each tunnel where its inside address is pinged. Usual: the slowest hours of a week.",
    {
        "nearest host": newest("vpn_connection:path_rtt_seconds:avg5m", _PINGED, "vpn_connection_id"),
        "{{tunnel_ip}}": newest("vpn_tunnel:path_rtt_seconds:avg5m", _PINGED, _TUNNEL),
        "usual": _usual("vpn_path:rtt_seconds:usual", "min"),
    },
    unit="s",
    reach=0.05,
    empty=_NO_PINGS,
)

PATH_QUALITY = (PATH_LOSS, PATH_RTT)


def _logged(window: str, by: str, only: str = "") -> str:
    """How many events the log of each tunnel had within a time. Prometheus extrapolates to halves; events are whole."""
    events = f"aws_vpn_tunnel_log_events_total{{{CONNECTIONS}{only}}}"
    return f"round(max by ({by}) (increase({events}[{window}])))"


LOG_EVENTS = lines(
    "Log events over time",
    "What AWS logged about both tunnels, by what it is about.",
    {"{{event}}": f"sum by (event) ({_logged('$__rate_interval', f'event, {_TUNNEL}')}) > 0"},
    unit="none",
    decimals=0,
    empty="No event in this time, or none is read: see the log events of each tunnel",
    stacked=True,
    bars=True,
    names={event.value: spelled(event.value) for event in LogEventClass},
)

LOG_TABLE = matrix(
    "Log events of each tunnel",
    "How many events (rows) AWS logged about each tunnel (columns) within the time shown. Other: lines whose wording "
    "the exporter does not know.",
    f"{_logged('$__range', f'event, {_TUNNEL}')} > 0",
    Matrix(rows="event", columns=_TUNNEL),
    head=LOG_EVENT,
    cells=Column("Events", unit="none", decimals=0, width=160),
    empty="No event in this time, or none is read: that takes the exporter's block logs and the tunnel's own log",
    width=18,
    height=8,
)

LOG_OTHER = number(
    "Not understood",
    "Of the log events within the time shown, the share of other: their wording is not in the exporter's table of "
    "patterns. Where it is large, causes may go unseen.",
    f"sum({_logged('$__range', _TUNNEL, _OTHER)})\n/ (sum({_logged('$__range', f'event, {_TUNNEL}')}) > 0)",
    unit="percentunit",
    decimals=0,
    colors=((None, CALM), (0.5, ORANGE)),
    empty="No event",
    width=6,
    height=8,
)

OPTIONAL_SOURCES = (SOURCES, TRAFFIC, LOG_EVENTS, LOG_TABLE, LOG_OTHER)
