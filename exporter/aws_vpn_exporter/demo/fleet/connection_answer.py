"""A connection of the fleet as DescribeVpnConnections reports it: a member of VpnConnections, as boto3 returns it.

`number` is the connection's position in its scenario, from 1; addresses follow from it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from xml.sax.saxutils import escape

from .connection import Connection, Tunnel
from .identifiers import DEMO_SECRET, customer_gateway_address, inside_cidr, outside_address, resource_id

AsDate = Callable[[float], datetime]
"""Turns seconds from the start of the scenario into a date."""


def connection_answer(number: int, connection: Connection, moment: float, as_date: AsDate) -> dict[str, object] | None:
    """Describe the connection at a moment, in seconds from the start; None if AWS does not list it then."""
    state, _ = connection.states.at(moment)
    if state is None:
        return None
    transit = connection.gateway == "transit"
    answer: dict[str, object] = {
        "CustomerGatewayId": resource_id("cgw", connection.name),
        "Category": "VPN",
        "State": state,
        "Type": "ipsec.1",
        "VpnConnectionId": resource_id("vpn", connection.name),
        "TransitGatewayId" if transit else "VpnGatewayId": resource_id("tgw" if transit else "vgw", "demo"),
        "GatewayAssociationState": "associated",
        "Options": _options(number, connection),
        "Routes": [
            {"DestinationCidrBlock": cidr, "Source": "Static", "State": "available"}
            for cidr in connection.static_routes
        ],
        "Tags": _tags(connection),
    }
    if state != "deleted":  # AWS goes on listing a deleted connection, without these two members
        answer["CustomerGatewayConfiguration"] = _device_configuration(number, connection)
        answer["VgwTelemetry"] = [
            _telemetry(outside_address(number, index), tunnel, len(connection.static_routes), moment, as_date)
            for index, tunnel in enumerate(connection.tunnels)
        ]
    return answer


def customer_gateway_answer(number: int, connection: Connection) -> dict[str, object]:
    """Describe the connection's customer gateway: a member of CustomerGateways, as boto3 returns it."""
    return {
        "CustomerGatewayId": resource_id("cgw", connection.name),
        "BgpAsn": "65000",
        "DeviceName": f"{connection.name}-edge",
        "IpAddress": customer_gateway_address(number),
        "State": "available",
        "Type": "ipsec.1",
    }


def _telemetry(address: str, tunnel: Tunnel, static_routes: int, moment: float, as_date: AsDate) -> dict[str, object]:
    state, since = tunnel.states.at(moment)
    return {
        # AWS counts the static routes of a connection whether its tunnels are up or not.
        "AcceptedRouteCount": static_routes or state.bgp_routes,
        "LastStatusChange": as_date(since),
        "OutsideIpAddress": address,
        "Status": state.status,
        "StatusMessage": state.message,
    }


def _tags(connection: Connection) -> list[dict[str, str]]:
    tags = {"Name": connection.name, "site": connection.site, **connection.tags}
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _options(number: int, connection: Connection) -> dict[str, object]:
    routing: dict[str, object] = {"StaticRoutesOnly": bool(connection.static_routes)}
    if connection.options is None:
        return routing
    return {
        "EnableAcceleration": False,
        **routing,
        "LocalIpv4NetworkCidr": "0.0.0.0/0",
        "RemoteIpv4NetworkCidr": "0.0.0.0/0",
        "OutsideIpAddressType": "PublicIpv4",
        "TunnelInsideIpVersion": "ipv4",
        **connection.connection_options,
        "TunnelOptions": _tunnel_options(number, connection.options),
    }


def _tunnel_options(number: int, options: Mapping[str, object]) -> Sequence[Mapping[str, object]]:
    # In the opposite order to the telemetry, because AWS promises no order: code that joins the two by position fails.
    return [
        {
            "OutsideIpAddress": outside_address(number, index),
            "TunnelInsideCidr": inside_cidr(number, index),
            "PreSharedKey": DEMO_SECRET,
            **options,
        }
        for index in (1, 0)
    ]


def _device_configuration(number: int, connection: Connection) -> str:
    """Write the XML document that AWS gives to the administrator of the customer gateway. It contains the keys."""
    tunnels = "".join(
        f"""  <ipsec_tunnel>
    <customer_gateway>
      <tunnel_outside_address><ip_address>{customer_gateway_address(number)}</ip_address></tunnel_outside_address>
    </customer_gateway>
    <vpn_gateway>
      <tunnel_outside_address><ip_address>{outside_address(number, index)}</ip_address></tunnel_outside_address>
    </vpn_gateway>
    <ike>
      <authentication_protocol>sha1</authentication_protocol>
      <encryption_protocol>aes-128-cbc</encryption_protocol>
      <lifetime>28800</lifetime>
      <pre_shared_key>{DEMO_SECRET}</pre_shared_key>
    </ike>
  </ipsec_tunnel>
"""
        for index in range(len(connection.tunnels))
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<vpn_connection id="{resource_id("vpn", connection.name)}">\n'
        f"  <!-- {escape(connection.name)}: invented for the demo -->\n{tunnels}</vpn_connection>"
    )
