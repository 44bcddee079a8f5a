"""The part of the EC2 API that concerns VPN connections."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from .. import wire
from ..backend import CustomerGateways, Describe, FleetChanges, OptionalSources, Parameters
from ..faults import Refusal, RefusedError
from .calls import Call, Operation, Operations

_FILTER_NAME = re.compile(r"Filter\.(\d+)\.Name")


def operations(
    describe: Describe, regions: Sequence[str], sources: OptionalSources, gateways: CustomerGateways
) -> Operations:
    """Return the operations that only read."""

    def describe_vpn_connections(call: Call) -> Mapping[str, object]:
        return _selected(describe(call.region), call.parameters)

    def describe_regions(_: Call) -> Mapping[str, object]:
        return {"Regions": [_region(name) for name in regions]}

    return {
        ("ec2", "DescribeVpnConnections"): describe_vpn_connections,
        ("ec2", "DescribeRegions"): describe_regions,
        ("ec2", "DescribeCustomerGateways"): lambda call: gateways.customer_gateways(call.region),
        ("ec2", "GetVpnTunnelReplacementStatus"): _about_tunnel(sources.maintenance),
        ("ec2", "GetActiveVpnTunnelStatus"): _about_tunnel(sources.negotiated),
    }


def change_operations(changes: FleetChanges) -> Operations:
    """Return the operations that change a connection."""
    methods: Mapping[str, Callable[[str, Parameters], Mapping[str, object]]] = {
        "ModifyVpnTunnelOptions": changes.modify_tunnel_options,
        "ReplaceVpnTunnel": changes.replace_tunnel,
        "CreateVpnConnectionRoute": changes.create_route,
        "DeleteVpnConnectionRoute": changes.delete_route,
    }
    return {("ec2", operation): _change(method) for operation, method in methods.items()}


def _change(method: Callable[[str, Parameters], Mapping[str, object]]) -> Operation:
    return lambda call: method(call.region, wire.ec2_parameters(call.operation, call.parameters))


def _selected(answer: Mapping[str, object], parameters: Mapping[str, Any]) -> Mapping[str, object]:
    """Keep the connections that VpnConnectionId.N and the filter `state` ask for; other filters are ignored."""
    wanted_ids, wanted_states = _listed(parameters, "VpnConnectionId"), _filtered_states(parameters)
    if not wanted_ids and not wanted_states:
        return answer
    connections = cast("Sequence[Mapping[str, object]]", answer.get("VpnConnections", ()))
    unknown = wanted_ids - {str(connection.get("VpnConnectionId")) for connection in connections}
    if unknown:
        raise _not_found(f"The vpnConnection ID '{min(unknown)}' does not exist")
    selected = [
        connection
        for connection in connections
        if (not wanted_ids or connection.get("VpnConnectionId") in wanted_ids)
        and (not wanted_states or connection.get("State") in wanted_states)
    ]
    return {**answer, "VpnConnections": selected}


def _filtered_states(parameters: Mapping[str, str]) -> set[str]:
    names = (_FILTER_NAME.fullmatch(key) for key, value in parameters.items() if value == "state")
    numbers = [name[1] for name in names if name]
    return set().union(*(_listed(parameters, f"Filter.{number}.Value") for number in numbers))


def _listed(parameters: Mapping[str, str], name: str) -> set[str]:
    """Collect the values of a list in a form: Name.1, Name.2 and so on."""
    return {value for key, value in parameters.items() if re.fullmatch(rf"{re.escape(name)}\.\d+", key)}


def _about_tunnel(find: Callable[[str, str, str], Mapping[str, object] | None]) -> Operation:
    def answer(call: Call) -> Mapping[str, object]:
        connection, address = (
            str(call.parameters.get(name)) for name in ("VpnConnectionId", "VpnTunnelOutsideIpAddress")
        )
        found = find(call.region, connection, address)
        if found is None:
            raise _not_found(f"The vpnConnection ID '{connection}' has no tunnel with the outside address '{address}'")
        return found

    return answer


def _not_found(message: str) -> RefusedError:
    return RefusedError(Refusal(400, "InvalidVpnConnectionID.NotFound", message))


def _region(name: str) -> Mapping[str, object]:
    return {
        "RegionName": name,
        "Endpoint": f"ec2.{name}.amazonaws.com",
        "OptInStatus": "opt-in-not-required",
    }
