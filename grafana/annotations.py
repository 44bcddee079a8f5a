"""Marks on the time lines: alerts that fired, maintenance, and changes of a connection's set-up."""

from typing import Literal

from grafana_foundation_sdk.builders import dashboard as build

from aws_vpn_exporter.options import OPTIONS
from grafana.panels import BLUE, DATA_SOURCE, ORANGE, PURPLE
from grafana.queries import CONNECTIONS, ID, TARGETS, TUNNEL_ID, firing
from grafana.settings import WORDS

_STEP = "60s"
_WINDOW = "2m"
"""Twice the step, so that no change falls between two looks."""


def alerts(connections: Literal["none", "one", "many"]) -> build.AnnotationQuery:
    """When alerts fired. One mark an alert and not one a tunnel: a month of a large fleet is a large answer."""
    picked = TARGETS if connections == "none" else CONNECTIONS
    expr = f"count by (alertname) ({firing(picked, severity='critical|warning')})"
    return _mark("Alerts", expr, ORANGE, title="{{alertname}}", text="fired")


def maintenance() -> build.AnnotationQuery:
    """When AWS applied maintenance to a tunnel: needs the exporter's block maintenance."""
    applied = f"aws_vpn_tunnel_last_maintenance_timestamp_seconds{{{CONNECTIONS}}}"
    expr = f"max by (tunnel_ip) (changes({applied}[{_WINDOW}])) > 0"
    return _mark("Maintenance", expr, PURPLE, title="Maintenance", text="AWS replaced the endpoint of {{tunnel_ip}}")


def connection_changes() -> build.AnnotationQuery:
    """When an option of a tunnel took another value, or AWS was modifying the connection."""
    info = f"aws_vpn_tunnel_options_info{{{CONNECTIONS}}}"
    before = f" offset {_WINDOW}"
    # Without the second half, the first look of a new exporter would be a change.
    words = (
        f"({_tunnels(info)} unless {_tunnels(info + before)})"
        f" and on ({TUNNEL_ID}) aws_vpn_tunnel_up{{{CONNECTIONS}}}{before}"
    )
    numbers = "\nor ".join(
        f"max by (tunnel_ip) (changes({option.published_as}{{{CONNECTIONS}}}[{_WINDOW}])) > 0"
        for option in OPTIONS
        if option not in WORDS
    )
    modifying = f'max by ({ID}) (aws_vpn_connection_state{{{CONNECTIONS}, state="modifying"}} == 1)'
    expr = f"count(\nmax by (tunnel_ip) ({words})\nor {numbers}\nor {modifying}\n)"
    return _mark("Changes", expr, BLUE, title="Set-up changed", text="an option of a tunnel, or AWS is modifying it")


def _tunnels(info: str) -> str:
    labels = ", ".join(option.published_as for option in WORDS)
    return f"max by ({TUNNEL_ID}, {labels}) ({info})"


def _mark(name: str, expr: str, color: str, *, title: str, text: str) -> build.AnnotationQuery:
    return (
        build.AnnotationQuery()
        .name(name)
        .datasource(DATA_SOURCE)
        .enable(True)
        .hide(False)
        .icon_color(color)
        .expr(expr)
        .step(_STEP)
        .title_format(title)
        .text_format(text)
    )
