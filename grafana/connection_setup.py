"""How one connection is set up: what it connects, what was negotiated, and every option beside the gateway's."""

from collections.abc import Callable
from dataclasses import replace

from aws_vpn_exporter.options import OPTIONS, Option
from grafana.queries import CONNECTIONS, ID, identities, newest, one
from grafana.settings import settings
from grafana.tables import NONE, Column, Facts, Matrix, matrix, rows
from grafana.vocabulary import (
    AGREEMENT,
    CONNECTION_ID,
    NEGOTIATED_AS,
    OPTION_NAME,
    TUNNEL_IP,
    nothing_read,
)

_TUNNEL = "tunnel_ip"
_OPTION = ("option", _TUNNEL)
_ATTACHMENTS = (
    "customer_gateway_id",
    "transit_gateway_id",
    "vpn_gateway_id",
    "routing",
    "accelerated",
    "bandwidth",
    "category",
)

ABOUT = rows(
    "What it connects",
    "Names and attachments of the connection. Its ID leads to the AWS console.",
    (
        Column("Name", label="name", width=150),
        replace(CONNECTION_ID, width=190),
        Column("Account", label="account", width=150),
        Column("Region", label="region", width=120),
        Column("Customer gateway", label="customer_gateway_id", width=185),
        Column("Transit gateway", label="transit_gateway_id", width=185),
        Column("Virtual gateway", label="vpn_gateway_id", width=185),
        Column("Routing", label="routing", width=80),
        Column("Accelerated", label="accelerated", width=110),
        Column("Bandwidth", label="bandwidth", width=100),
        Column("Category", label="category"),
    ),
    key=("vpn_connection_id",),
    facts=(
        Facts(("name", "account", "region"), identities(CONNECTIONS)),
        Facts(_ATTACHMENTS, newest("aws_vpn_connection_info", CONNECTIONS, f"{ID}, {', '.join(_ATTACHMENTS)}")),
    ),
    empty="AWS does not list this connection now",
    height=4,
)

EVERY_OPTION = matrix(
    "Options of each tunnel",
    "Each option (rows) of each tunnel (columns). An option that nobody has set shows what AWS documents as its "
    f"default; {NONE} is none.",
    f'label_replace({settings(CONNECTIONS, _TUNNEL)}, "setting", "{NONE}", "setting", "")',
    Matrix(rows="option", columns=_TUNNEL, cells="setting"),
    head=OPTION_NAME,
    cells=Column("Setting"),
    empty="AWS reports no tunnel options of this connection",
    width=24,
    height=22,
)

AGAINST_GATEWAY = rows(
    "Beside the customer gateway",
    "AWS's options beside those of the customer gateway, for each option that a policy in the exporter's configuration "
    "states. Values that differ fit where nothing follows from it; where it says DIFFERS, the tunnel may fail at the "
    "next rekey.",
    (
        Column(
            "Verdict",
            expr=newest("aws_vpn_tunnel_option_mismatch", CONNECTIONS, f"option, {_TUNNEL}"),
            words=AGREEMENT,
            width=100,
        ),
        OPTION_NAME,
        TUNNEL_IP,
        Column("At AWS", label="at_aws"),
        Column("At the customer gateway", label="at_gateway"),
    ),
    key=_OPTION,
    facts=(
        Facts(
            ("option", _TUNNEL, "at_aws", "at_gateway"),
            one("aws_vpn_tunnel_option_sides_info", CONNECTIONS, f"option, {_TUNNEL}", "at_aws, at_gateway"),
        ),
    ),
    sort=(("Verdict", True), ("Option", False)),
    empty="No policy states this customer gateway's options",
    width=24,
    height=9,
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


NEGOTIATED = rows(
    "Negotiated beside permitted",
    "On what the two sides agreed, beside what AWS permits. Nothing is negotiated with a tunnel that is down.",
    (
        OPTION_NAME,
        TUNNEL_IP,
        Column("Negotiated", label="negotiated", width=200),
        Column("Permitted at AWS", label="permitted"),
    ),
    key=_OPTION,
    facts=(
        Facts(("option", _TUNNEL, "permitted"), _each(_permitted, ", permitted")),
        Facts(("negotiated",), _each(_negotiated, ", negotiated")),
    ),
    sort=(("Option", False), ("Tunnel (outside IP)", False)),
    empty=nothing_read("negotiated"),
    width=24,
    height=16,
)

SETUP = (ABOUT, AGAINST_GATEWAY, NEGOTIATED, EVERY_OPTION)
