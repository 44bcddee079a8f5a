"""Calls of the EC2 API that change the connection: they reconfigure the daemons, with the outage that this brings."""

import threading
import time
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from aws_vpn_exporter.demo.backend import Parameters
from aws_vpn_exporter.demo.faults import Refusal, RefusedError
from aws_vpn_exporter.options import OPTIONS
from lab.fleet import CONNECTION, REGION, LabFleet, tunnel_number
from lab.laboratory import Lab

_OUTAGE = 1.0
"""Seconds for which an endpoint is away while AWS changes or replaces it: a minute at the lab's pace."""

_RESPONSE_NAMES = {
    "IKEVersions": "IkeVersions",
    "DPDTimeoutSeconds": "DpdTimeoutSeconds",
    "DPDTimeoutAction": "DpdTimeoutAction",
}
"""Options that a request spells differently from an answer (EC2 API reference)."""

_BY_NAME = {option.name: option for option in OPTIONS}


class LabChanges:
    """Carries out what AWS's API asks for; see `FleetChanges`."""

    def __init__(self, lab: Lab, fleet: LabFleet) -> None:
        self._lab = lab
        self._fleet = fleet
        self._running: list[threading.Thread] = []

    def modify_tunnel_options(self, region: str, parameters: Parameters) -> Mapping[str, object]:
        """Set options anew. The endpoint tells the device that it goes, and is away for a while."""
        number = self._changeable(region, parameters)
        asked: Mapping[str, Any] = parameters["TunnelOptions"]
        changes = {_RESPONSE_NAMES.get(name, name): value for name, value in asked.items()}
        for name, value in changes.items():
            _check(name, value)
        self._lab.options[number] = self._lab.options[number].changed(changes)
        self._change(number, in_order=True)
        return {"VpnConnection": self._fleet.connection()}

    def replace_tunnel(self, region: str, parameters: Parameters) -> Mapping[str, object]:
        """Give a tunnel a new endpoint: the old one vanishes without a word."""
        number = self._changeable(region, parameters)
        if parameters.get("ApplyPendingMaintenance") and number not in self._fleet.maintenance_pending:
            raise RefusedError(Refusal(400, "InvalidState", "There is no pending maintenance for this tunnel."))
        self._fleet.maintenance_pending.discard(number)
        self._fleet.replaced[number] = time.time()
        self._change(number, in_order=False)
        return {"Return": True}

    def create_route(self, region: str, parameters: Parameters) -> Mapping[str, object]:
        """Add a static route to a network of the site."""
        self._lab.routers["aws"].add_route(self._network(region, parameters))
        return {}

    def delete_route(self, region: str, parameters: Parameters) -> Mapping[str, object]:
        """Take a static route away."""
        self._lab.routers["aws"].delete_route(self._network(region, parameters))
        return {}

    def settle(self) -> None:
        """Return once no endpoint is being changed."""
        for change in self._running:
            change.join()

    def _changeable(self, region: str, parameters: Parameters) -> int:
        """The tunnel that a call is about. Raises RefusedError."""
        connection, address = str(parameters["VpnConnectionId"]), str(parameters["VpnTunnelOutsideIpAddress"])
        number = tunnel_number(region, connection, address)
        if number is None:
            message = f"The vpnConnection ID '{connection}' has no tunnel with the outside address '{address}'"
            raise RefusedError(Refusal(400, "InvalidVpnConnectionID.NotFound", message))
        if self._fleet.changing:
            raise RefusedError(Refusal(400, "IncorrectState", "The connection is being modified."))
        return number

    def _network(self, region: str, parameters: Parameters) -> str:
        """The network that a call about routes names. Raises RefusedError."""
        connection, network = str(parameters["VpnConnectionId"]), str(parameters["DestinationCidrBlock"])
        if (region, connection) != (REGION, CONNECTION):
            message = f"The vpnConnection ID '{connection}' does not exist"
            raise RefusedError(Refusal(400, "InvalidVpnConnectionID.NotFound", message))
        if self._lab.plan.routing != "static":
            message = "The connection does not support static routes."
            raise RefusedError(Refusal(400, "UnsupportedOperation", message))
        try:
            return str(ip_network(network))
        except ValueError as error:
            raise RefusedError(Refusal(400, "InvalidParameterValue", str(error))) from None

    def _change(self, number: int, in_order: bool) -> None:
        self._fleet.changing.add(number)
        change = threading.Thread(target=self._restart, args=(number, in_order), name="aws-change", daemon=True)
        self._running.append(change)
        change.start()

    def _restart(self, number: int, in_order: bool) -> None:
        try:
            self._lab.end(("aws", number), in_order)
            time.sleep(_OUTAGE)
            self._lab.start(("aws", number))
        finally:
            self._fleet.changing.discard(number)


def _check(name: str, value: Any) -> None:
    """Refuse a value that AWS does not accept, without repeating it: it may be a key."""
    option = _BY_NAME.get(name)
    if option is None or not option.allowed:
        return
    given = [str(one["Value"]) for one in value] if isinstance(value, list) else [value]
    if not all(one in option.allowed for one in given):
        raise RefusedError(Refusal(400, "InvalidParameterValue", f"The value of {name} is not one of those allowed."))
