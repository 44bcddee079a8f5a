"""A fleet that can be repaired: what the EC2 API's changing calls do to a scenario.

AWS restarts a tunnel that it is told to change or replace. The customer gateways of the demo answer at once, so that
the tunnel is up a moment later, whatever was wrong with it.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ..backend import Parameters
from ..faults import Refusal, RefusedError

RESTART_TAKES = 3.0
"""Seconds. At AWS it takes minutes."""

_AS_DESCRIBED = {
    "DPDTimeoutAction": "DpdTimeoutAction",
    "DPDTimeoutSeconds": "DpdTimeoutSeconds",
    "IKEVersions": "IkeVersions",
}
"""Options whose spelling in a change differs from that in a description."""

_BGP_ROUTES = 3


class _Change(NamedTuple):
    """A tunnel's restart: when it began, as a Unix time, and the options that were set, as AWS describes them."""

    began: float
    options: Mapping[str, Any]


class RepairedFleet:
    """Describes another fleet with the changes that were made to it, and takes more of them (a FleetChanges).

    `describe` is the other fleet's; `clock` returns Unix time in seconds. May be called from several threads.
    """

    def __init__(self, describe: Callable[[str], Mapping[str, Any]], clock: Callable[[], float]) -> None:
        self._describe = describe
        self._clock = clock
        self._lock = threading.Lock()
        self._changes: dict[tuple[str, str], _Change] = {}
        self._routes: dict[str, list[str]] = {}

    def describe(self, region: str) -> Mapping[str, Any]:
        """Answer DescribeVpnConnections for a region, as boto3 returns it."""
        answer = self._describe(region)
        with self._lock:
            return {**answer, "VpnConnections": [self._changed(one) for one in answer["VpnConnections"]]}

    def modify_tunnel_options(self, region: str, parameters: Parameters) -> Mapping[str, object]:
        """Carry out ModifyVpnTunnelOptions."""
        options = {_AS_DESCRIBED.get(name, name): value for name, value in parameters["TunnelOptions"].items()}
        options.pop("PreSharedKey", None)
        self._restart(region, parameters, options)
        return {"VpnConnection": self._connection(region, parameters["VpnConnectionId"])}

    def replace_tunnel(self, region: str, parameters: Parameters) -> Mapping[str, object]:
        """Carry out ReplaceVpnTunnel."""
        self._restart(region, parameters, {})
        return {"Return": True}

    def create_route(self, region: str, parameters: Parameters) -> Mapping[str, object]:
        """Carry out CreateVpnConnectionRoute."""
        connection = self._static_connection(region, parameters["VpnConnectionId"])
        with self._lock:
            self._routes.setdefault(connection, []).append(parameters["DestinationCidrBlock"])
        return {}

    def delete_route(self, region: str, parameters: Parameters) -> Mapping[str, object]:
        """Carry out DeleteVpnConnectionRoute, for a route that was created here."""
        connection, cidr = parameters["VpnConnectionId"], parameters["DestinationCidrBlock"]
        with self._lock:
            if cidr not in self._routes.get(connection, []):
                raise RefusedError(Refusal(400, "InvalidRoute.NotFound", f"The route {cidr} does not exist"))
            self._routes[connection].remove(cidr)
        return {}

    def _restart(self, region: str, parameters: Parameters, options: Mapping[str, Any]) -> None:
        connection, address = parameters["VpnConnectionId"], parameters["VpnTunnelOutsideIpAddress"]
        reports = self._connection(region, connection).get("VgwTelemetry", ())
        if address not in {report["OutsideIpAddress"] for report in reports}:
            raise _not_found(f"The vpnConnection ID '{connection}' has no tunnel with the outside address '{address}'")
        with self._lock:
            before = self._changes.get((connection, address), _Change(0.0, {})).options
            self._changes[connection, address] = _Change(self._clock(), {**before, **options})

    def _connection(self, region: str, connection: str) -> Mapping[str, Any]:
        found = [one for one in self.describe(region)["VpnConnections"] if one["VpnConnectionId"] == connection]
        if not found:
            raise _not_found(f"The vpnConnection ID '{connection}' does not exist")
        return dict(found[0])

    def _static_connection(self, region: str, connection: str) -> str:
        if not self._connection(region, connection)["Options"]["StaticRoutesOnly"]:
            raise RefusedError(Refusal(400, "InvalidParameter", f"The vpnConnection ID '{connection}' uses BGP"))
        return connection

    def _changed(self, connection: Mapping[str, Any]) -> Mapping[str, Any]:
        name = connection["VpnConnectionId"]
        changes = {address: change for (of, address), change in self._changes.items() if of == name}
        routes = self._routes.get(name, ())
        if not changes and not routes:
            return connection
        options, now = connection["Options"], self._clock()
        restarting = any(now < change.began + RESTART_TAKES for change in changes.values())
        return {
            **connection,
            "State": "modifying" if restarting else connection["State"],
            "Routes": [*connection["Routes"], *map(_route, routes)],
            "Options": {
                **options,
                "TunnelOptions": [_with_options(one, changes) for one in options.get("TunnelOptions", ())],
            },
            "VgwTelemetry": [
                _restarted(report, changes[address], options["StaticRoutesOnly"], now)
                if (address := report["OutsideIpAddress"]) in changes
                else report
                for report in connection.get("VgwTelemetry", ())
            ],
        }


def _with_options(options: Mapping[str, Any], changes: Mapping[str, _Change]) -> Mapping[str, Any]:
    change = changes.get(options["OutsideIpAddress"])
    return {**options, **change.options} if change else options


def _restarted(report: Mapping[str, Any], change: _Change, static: bool, now: float) -> Mapping[str, Any]:
    up = now >= change.began + RESTART_TAKES
    changed = change.began + RESTART_TAKES if up else change.began
    return {
        **report,
        "Status": "UP" if up else "DOWN",
        "StatusMessage": "IPSEC IS DOWN" if not up else "" if static else f"{_BGP_ROUTES} BGP ROUTES",
        "AcceptedRouteCount": report["AcceptedRouteCount"] if static else _BGP_ROUTES if up else 0,
        "LastStatusChange": datetime.fromtimestamp(int(changed), UTC),
    }


def _route(cidr: str) -> Mapping[str, str]:
    return {"DestinationCidrBlock": cidr, "Source": "Static", "State": "available"}


def _not_found(message: str) -> RefusedError:
    return RefusedError(Refusal(400, "InvalidVpnConnectionID.NotFound", message))
