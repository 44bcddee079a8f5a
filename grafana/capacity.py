"""What the configuration may add to the fleet: sites as one, and how near AWS's limits it is."""

from grafana.panels import BLUE, CALM, GREEN, ORANGE, PLAIN, RED, Words
from grafana.queries import TARGET_ID, TARGETS, TUNNEL_ID, accounts, named, newest
from grafana.tables import Column, Facts, rows
from grafana.vocabulary import ACCOUNT, IDENTITY_LABELS, NAME, REGION, TUNNEL_IP, nothing_read

_SITE_STATUS = Words(
    {"0": ("CUT OFF", RED), "1": ("LAST PATH", ORANGE), "2": ("PATHS LOST", ORANGE), "3": ("ALL PATHS UP", GREEN)}
)
_SHARED = Words({"0": ("no", PLAIN), "1": ("SHARED", ORANGE)})
_DECLARED = Words({"1": ("declared", BLUE)})
_USED = ((None, CALM), (0.5, ORANGE), (0.8, RED))


def _of_site(metric: str, more: str = "", together: str = "sum") -> str:
    """A site may be in several accounts and regions: together."""
    return f"{together} by (site) ({newest(metric, TARGETS + more, f'{TARGET_ID}, site')})"


_UP, _EXPECTED = _of_site("aws_vpn_site_paths_up"), _of_site("aws_vpn_site_paths_expected")

SITES = rows(
    "Sites",
    "The connections that lead to the same site as one, the worst first. Paths: tunnels that carry traffic, and how "
    "many are meant to. Device: all of them end on one device. Address: several connections end on one public address. "
    "Direct Connect: the configuration says that it leads there as well; whether it works is not known.",
    (
        Column(
            "Status",
            expr=f"""3 + 0 * ({_UP} >= {_EXPECTED})
or 0 * ({_UP} == 0)
or 1 + 0 * ({_UP} == 1)
or 2 + 0 * {_UP}""",
            words=_SITE_STATUS,
            width=140,
        ),
        Column("Site", label="site", filterable=True),
        Column("Paths up", expr=_UP, unit="none", width=90),
        Column("Expected", expr=_EXPECTED, unit="none", width=90),
        Column(
            "Device",
            expr=_of_site("aws_vpn_site_finding", ', finding="one_device"', "min"),
            words=_SHARED,
            quiet=True,
            width=100,
        ),
        Column(
            "Address",
            expr=_of_site("aws_vpn_site_finding", ', finding="one_address"', "min"),
            words=_SHARED,
            quiet=True,
            width=100,
        ),
        Column(
            "Direct Connect",
            expr=_of_site("aws_vpn_site_direct_connect", together="max"),
            words=_DECLARED,
            quiet=True,
            width=120,
        ),
    ),
    key=("site",),
    sort=(("Status", False), ("Site", False)),
    empty=nothing_read("sites"),
    width=12,
    height=10,
)

_ROUTES, _BANDWIDTH = (
    newest(f"vpn_tunnel:aws_vpn_tunnel_{what}:used_ratio", TARGETS, TUNNEL_ID) for what in ("routes", "bandwidth")
)
_NEAREST = f"""topk(50, max by ({TUNNEL_ID}) (
  label_replace({_ROUTES}, "of", "routes", "", "") or label_replace({_BANDWIDTH}, "of", "bandwidth", "", "")
))"""


def _of_nearest(expr: str) -> str:
    return f"({expr})\nand on ({TUNNEL_ID}) {_NEAREST}"


TUNNELS = rows(
    "Tunnels nearest to what AWS lets them carry",
    "The 50 tunnels that use most of their routes or their bandwidth, by the busier direction. With one route too many "
    "AWS ends the BGP session; what exceeds the bandwidth is dropped. The bandwidth needs the block traffic as well.",
    (
        Column("Nearest", expr=_NEAREST, unit="percentunit", decimals=0, colors=_USED, width=90),
        NAME,
        TUNNEL_IP,
        Column("Routes", expr=_of_nearest(_ROUTES), unit="percentunit", decimals=0, width=80),
        Column(
            "Of", expr=_of_nearest(newest("aws_vpn_tunnel_routes_limit", TARGETS, TUNNEL_ID)), unit="none", width=70
        ),
        Column("Bandwidth", expr=_of_nearest(_BANDWIDTH), unit="percentunit", decimals=0, width=100),
        Column(
            "Of",
            expr=_of_nearest(newest("aws_vpn_tunnel_bandwidth_limit_bytes_per_second", TARGETS, TUNNEL_ID)),
            unit="Bps",
            width=100,
        ),
    ),
    key=("vpn_connection_id", "tunnel_ip"),
    facts=(Facts((*IDENTITY_LABELS, "tunnel_ip"), named(_NEAREST, TARGETS)),),
    sort=(("Nearest", True), ("Connection", False)),
    empty=nothing_read("headroom"),
    width=12,
    height=10,
)

_GATEWAY = f"{TARGET_ID}, vpn_gateway_id"
_QUOTA_USED = newest("vpn_target:aws_vpn_connections:used_ratio", TARGETS, _GATEWAY)
_EXISTS = "vpn_connection:aws_vpn_connection:exists"
_ON_GATEWAYS = newest(_EXISTS, f'{TARGETS}, vpn_gateway_id!=""', f"{_GATEWAY}, vpn_connection_id")
_IN_REGION = newest(_EXISTS, TARGETS)

QUOTAS = rows(
    "Connections and AWS's quotas",
    "How many VPN connections exist in each account and region and on each of its virtual private gateways, as a share "
    "of what AWS allows. Beyond the quota nobody can create one.",
    (
        Column("Used", expr=_QUOTA_USED, unit="percentunit", decimals=0, colors=_USED, width=90),
        Column(
            "Connections",
            expr=f"count by ({_GATEWAY}) ({_ON_GATEWAYS})\nor count by ({TARGET_ID}) ({_IN_REGION})",
            unit="none",
            width=110,
        ),
        ACCOUNT,
        REGION,
        Column("Virtual private gateway", label="gateway"),
    ),
    key=("account_id", "region", "vpn_gateway_id"),
    facts=(
        Facts(
            ("account", "region", "gateway"),
            f'label_replace({_QUOTA_USED}, "gateway", "$1", "vpn_gateway_id", "(.+)")\n'
            f"* on ({TARGET_ID}) group_left (account)\n{accounts()}",
        ),
    ),
    sort=(("Used", True), ("Account", False)),
    empty=nothing_read("quotas"),
    width=24,
    height=8,
)

CAPACITY = (SITES, TUNNELS, QUOTAS)
