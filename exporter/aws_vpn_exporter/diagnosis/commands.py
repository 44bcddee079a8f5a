"""The AWS CLI commands against a cause, as text for a person: nothing here is ever run by the exporter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aws_vpn_exporter.diagnosis.case import Case
from aws_vpn_exporter.diagnosis.cause import Cause, CauseKind
from aws_vpn_exporter.diagnosis.change import ADD_ROUTE, MODIFY, REPLACE, Change, aws
from aws_vpn_exporter.diagnosis.gate import passed
from aws_vpn_exporter.diagnosis.risks import Risk
from aws_vpn_exporter.differences import Harm


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


def commands(cause: Cause, case: Case, region: str) -> Repair:
    """The exact commands against the cause, for the AWS CLI; `change` is empty where the repair is on the device."""
    return _repair(_SUGGESTIONS.get(cause.kind, _on_the_device)(case), cause, case, region)


def commands_against_risk(risk: Risk, case: Case, region: str) -> Repair:
    """The exact commands that end the risk, for the AWS CLI; `change` is empty where the device is to be changed."""
    return _repair(_Suggestion(risk.change) if risk.change else _on_the_device(case), None, case, region)


@dataclass(frozen=True, slots=True)
class _Suggestion:
    """A change, if any, and remarks for whoever runs it."""

    change: Change | None
    remarks: tuple[str, ...] = ()


def _repair(suggestion: _Suggestion, cause: Cause | None, case: Case, region: str) -> Repair:
    look = aws(
        region,
        "describe-vpn-connections",
        "--vpn-connection-ids",
        case.connection.id,
        "--query",  # without it the answer holds the pre-shared keys
        "VpnConnections[].VgwTelemetry[].[OutsideIpAddress,Status,StatusMessage,LastStatusChange]",
        "--output",
        "table",
    )
    if suggestion.change is None:
        return Repair(False, suggestion.remarks, (look,), ())
    result = passed(suggestion.change, cause, case)
    lines = (result.change.line(case, region),) if result.change else ()
    return Repair(result.advised, (*result.warnings, *(suggestion.remarks if lines else ())), (look,), lines)


def _on_the_device(case: Case) -> _Suggestion:
    return _Suggestion(None, ("Nothing is to be changed at AWS: the repair is on the customer gateway.",))


def _let_aws_initiate(case: Case) -> _Suggestion:
    remark = "Only once the device speaks IKEv2 and answers to AWS, and if the customer gateway has an IP address."
    change = Change(MODIFY, {"IkeVersions": ("ikev2",), "StartupAction": "start"})
    return _Suggestion(change, (remark,))


def _restart_after_dead_peer(case: Case) -> _Suggestion:
    return _Suggestion(Change(MODIFY, {"DpdTimeoutAction": "restart"}))


def _equal_options(case: Case) -> _Suggestion:
    differences = [one for one in case.differences(least=Harm.HARMFUL) if one.at_gateway is not None]
    if not differences:
        return _Suggestion(
            None, ("State the device's values in policies.customer_gateway to learn which options to change.",)
        )
    change = Change(
        MODIFY,
        {one.option.name: one.at_gateway for one in differences if one.at_gateway is not None},
        frozenset(one.option.name for one in differences if one.from_file),
    )
    remark = "This sets AWS to what the policy states. If the device is the wrong one, change it there."
    return _Suggestion(change, (remark,))


def _new_key(case: Case) -> _Suggestion:
    remarks = (
        "Compare the keys first. Only if AWS's is the wrong one: write "
        '{"PreSharedKey": "..."} to tunnel-options.json, readable by you alone, and delete the file afterwards.',
        "A key on the command line would stay in the shell's history.",
    )
    return _Suggestion(Change(MODIFY, sets_key=True), remarks)


def _add_route(case: Case) -> _Suggestion:
    remark = "Put one of the site's networks in place of SITE_CIDR; once for each network."
    return _Suggestion(Change(ADD_ROUTE), (remark,))


def _new_endpoint(case: Case) -> _Suggestion:
    pending = case.evidence.maintenance.pending if case.evidence.maintenance else ""
    remark = (
        f"AWS has maintenance pending for this tunnel ({pending}); this applies it."
        if pending
        else "This gives the tunnel a new endpoint at AWS. Try it last, when the device's log shows nothing."
    )
    return _Suggestion(Change(REPLACE, applies_pending=bool(pending)), (remark,))


_SUGGESTIONS: Mapping[CauseKind, Callable[[Case], _Suggestion]] = {
    CauseKind.REKEY_MISMATCH: _equal_options,
    CauseKind.DEAD_PEER_DETECTION: _restart_after_dead_peer,
    CauseKind.DEAD_PEER_WITH_ACTION_NONE: _restart_after_dead_peer,
    CauseKind.PRE_SHARED_KEY_MISMATCH: _new_key,
    CauseKind.NO_ROUTES: _add_route,
    CauseKind.ENDPOINT_REPLACEMENT: _let_aws_initiate,
    CauseKind.WILL_NOT_RECOVER_ALONE: _let_aws_initiate,
    CauseKind.UNKNOWN: _new_endpoint,
}
"""What can be changed at AWS against a cause; against the others the repair is on the device."""
