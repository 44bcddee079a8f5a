"""The AWS CLI commands against a cause, as text for a person: nothing here is ever run by the exporter."""

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aws_vpn_exporter.diagnosis.case import Case, is_up
from aws_vpn_exporter.diagnosis.cause import CauseKind
from aws_vpn_exporter.model import ConnectionState
from aws_vpn_exporter.policy import OptionSides


@dataclass(frozen=True, slots=True)
class Repair:
    """Commands for a person to run; nothing here is ever run by the exporter.

    `advised` is False while the change would take the connection's last tunnel or cannot help yet. `warnings` come
    first. `look` changes nothing and shows the state of all tunnels; `change` makes the repair, one line each.
    """

    advised: bool
    warnings: tuple[str, ...]
    look: tuple[str, ...]
    change: tuple[str, ...]


def commands(kind: CauseKind, case: Case, region: str) -> Repair:
    """The exact commands against the cause, for the AWS CLI; `change` is empty where the repair is on the device."""
    changes, remarks = _CHANGES.get(kind, _nothing)(case)
    look = _aws(
        region,
        "describe-vpn-connections",
        "--vpn-connection-ids",
        case.connection.id,
        "--query",  # without it the answer holds the pre-shared keys
        "VpnConnections[].VgwTelemetry[].[OutsideIpAddress,Status,StatusMessage,LastStatusChange]",
        "--output",
        "table",
    )
    lines = tuple(_aws(region, *change) for change in changes)
    advised, warnings = _warnings(case) if any(c[0] in _DISRUPTIVE for c in changes) else (bool(changes), ())
    return Repair(advised, (*warnings, *remarks), (look,), lines)


Change = tuple[str, ...]
"""An operation of `aws ec2` and its arguments."""

_DISRUPTIVE = ("modify-vpn-tunnel-options", "replace-vpn-tunnel")


def _warnings(case: Case) -> tuple[bool, tuple[str, ...]]:
    """Whether the tunnel may be taken down now, and what to know: the other tunnel first."""
    one_at_a_time = (
        "The tunnel is down for some minutes while AWS changes it. Change one tunnel at a time, and go on to the next "
        "only when this one is up again."
    )
    if case.connection.state is ConnectionState.MODIFYING:
        return False, ("Do not run this now: AWS is changing the connection already; wait for it.", one_at_a_time)
    if not case.others:
        return False, ("Do not run this now: no other tunnel is known that could carry the traffic.", one_at_a_time)
    not_up = [tunnel for tunnel in case.others if not is_up(tunnel)]
    if not_up:
        return False, (
            f"Do not run this now: the other tunnel {not_up[0].outside_ip} is not up. Bring one tunnel up from the "
            "device first.",
            one_at_a_time,
        )
    up = case.others[0].outside_ip
    return True, (f"The other tunnel {up} was up when AWS last answered: see that it still is.", one_at_a_time)


def _aws(region: str, operation: str, *arguments: str) -> str:
    return shlex.join(["aws", "ec2", operation, "--region", region, *arguments])


def _on_tunnel(case: Case, operation: str, *arguments: str) -> Change:
    return (
        operation,
        "--vpn-connection-id",
        case.connection.id,
        "--vpn-tunnel-outside-ip-address",
        case.tunnel.outside_ip,
        *arguments,
    )


def _modify(case: Case, options: Mapping[str, object]) -> Change:
    return _on_tunnel(case, "modify-vpn-tunnel-options", "--tunnel-options", json.dumps(options))


_REQUEST_NAMES = {"IkeVersions": "IKEVersions", "DpdTimeoutSeconds": "DPDTimeoutSeconds"}
_REQUEST_NAMES |= {"DpdTimeoutAction": "DPDTimeoutAction"}
"""Options that a request spells differently from an answer."""

Changes = tuple[tuple[Change, ...], tuple[str, ...]]
"""Changes, and remarks for whoever runs them."""


def _nothing(case: Case) -> Changes:
    return (), ("Nothing is to be changed at AWS: the repair is on the customer gateway.",)


def _let_aws_initiate(case: Case) -> Changes:
    if case.option("startup_action") == "start" and case.option("ike_versions") == ("ikev2",):
        return (), ("AWS initiates this tunnel already.",)
    options = {"IKEVersions": [{"Value": "ikev2"}], "StartupAction": "start"}
    remark = "Only once the device speaks IKEv2 and answers to AWS, and if the customer gateway has an IP address."
    return (_modify(case, options),), (remark,)


def _restart_after_dead_peer(case: Case) -> Changes:
    if case.option("dpd_timeout_action") == "restart":
        return (), ("AWS negotiates anew already (dpd_timeout_action is restart): look at the line and the device.",)
    return (_modify(case, {"DPDTimeoutAction": "restart"}),), ()


def _equal_options(case: Case) -> Changes:
    differences = case.differences()
    if not differences:
        return (), ("State the device's values in policies.customer_gateway to learn which options to change.",)
    possible = [d for d in differences if _acceptable(d)]
    remarks = [f"AWS does not accept {d.option.key} {d.at_gateway_text}: change the device." for d in differences]
    remarks = [said for said, d in zip(remarks, differences, strict=True) if d not in possible]
    options = {_REQUEST_NAMES.get(d.option.name, d.option.name): _requested(d) for d in possible}
    change = (_modify(case, options),) if options else ()
    if change:
        remarks.append("This sets AWS to what the policy states. If the device is the wrong one, change it there.")
    return change, tuple(remarks)


def _acceptable(sides: OptionSides) -> bool:
    value, allowed = sides.at_gateway, sides.option.allowed
    return set(value) <= set(allowed) if isinstance(value, tuple) else value in allowed


def _requested(sides: OptionSides) -> object:
    value = sides.at_gateway
    if not isinstance(value, tuple):
        return value
    return [{"Value": int(word) if word.isdecimal() else word} for word in value]


def _new_key(case: Case) -> Changes:
    remarks = (
        "Compare the keys first. Only if AWS's is the wrong one: write "
        '{"PreSharedKey": "..."} to tunnel-options.json, readable by you alone, and delete the file afterwards.',
        "A key on the command line would stay in the shell's history.",
    )
    change = _on_tunnel(case, "modify-vpn-tunnel-options", "--tunnel-options", "file://tunnel-options.json")
    return (change,), remarks


def _add_route(case: Case) -> Changes:
    if case.connection.routing != "static":
        return (), ("The routes come over BGP: announce them from the customer gateway.",)
    remark = "Put one of the site's networks in place of SITE_CIDR; once for each network."
    change = ("create-vpn-connection-route", "--vpn-connection-id", case.connection.id)
    return ((*change, "--destination-cidr-block", "SITE_CIDR"),), (remark,)


def _new_endpoint(case: Case) -> Changes:
    pending = case.evidence.maintenance.pending if case.evidence.maintenance else ""
    if pending:
        change = _on_tunnel(case, "replace-vpn-tunnel", "--apply-pending-maintenance")
        return (change,), (f"AWS has maintenance pending for this tunnel ({pending}); this applies it.",)
    return (_on_tunnel(case, "replace-vpn-tunnel"),), (
        "This gives the tunnel a new endpoint at AWS. Try it last, when the device's log shows nothing.",
    )


_CHANGES: Mapping[CauseKind, Callable[[Case], Changes]] = {
    CauseKind.IDLE_TIMEOUT: _let_aws_initiate,
    CauseKind.REKEY_MISMATCH: _equal_options,
    CauseKind.DEAD_PEER_DETECTION: _restart_after_dead_peer,
    CauseKind.PRE_SHARED_KEY_MISMATCH: _new_key,
    CauseKind.NO_ROUTES: _add_route,
    CauseKind.ENDPOINT_REPLACEMENT: _let_aws_initiate,
    CauseKind.WILL_NOT_RECOVER_ALONE: _let_aws_initiate,
    CauseKind.UNKNOWN: _new_endpoint,
}
