"""How much AWS lets one tunnel carry. Pure.

Source: the Site-to-Site VPN user guide ("Quotas"): dynamic routes that a customer gateway may announce, and the
bandwidth of a tunnel. What is not in it is not known.
"""

from collections.abc import Mapping

from aws_vpn_exporter.model import Connection

_ROUTES: Mapping[str, int] = {"virtual private gateway": 100, "transit gateway": 1000}
_BITS_PER_SECOND: Mapping[str, float] = {"": 1.25e9, "standard": 1.25e9, "large": 5e9}
"""By TunnelBandwidth; AWS leaves it out of its answer about older connections, which are standard."""
_CONCENTRATOR_BITS_PER_SECOND = 100e6


def routes_limit(connection: Connection) -> int | None:
    """Routes that AWS accepts over a tunnel before it ends the BGP session; None where static, or not documented."""
    return _ROUTES.get(connection.gateway[0]) if connection.routing == "bgp" else None


def bandwidth_limit(connection: Connection) -> float | None:
    """Bytes per second that a tunnel carries at most, in each direction; None where it is not documented."""
    concentrator = connection.gateway[0] == "VPN concentrator"
    bits = _CONCENTRATOR_BITS_PER_SECOND if concentrator else _BITS_PER_SECOND.get(connection.bandwidth)
    return None if bits is None else bits / 8
