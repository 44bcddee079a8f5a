"""The commands that a person gets: exact, safe to paste, and with the other tunnel first."""

import json
import shlex
from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.validate import ParamValidator

from aws_vpn_exporter.diagnosis.case import Case
from aws_vpn_exporter.diagnosis.cause import Cause, CauseKind, Confidence
from aws_vpn_exporter.diagnosis.commands import Repair, commands
from aws_vpn_exporter.evidence import CustomerGateway, Evidence, LogEventClass, Maintenance, Negotiated
from aws_vpn_exporter.model import ConnectionState, TunnelState
from aws_vpn_exporter.options import OptionValues
from aws_vpn_exporter.policy import Policy, Settings
from testbed.diagnosis_cases import AWS_INITIATES, DOWN, FELL, LONG_AGO, MINUTE, NOW, OTHER, THIS, UP, case, log, tunnel
from testbed.diagnosis_scenarios import CAUSES

EC2 = botocore.session.get_session().get_service_model("ec2")
OPERATIONS = {xform_name(name, "-"): EC2.operation_model(name) for name in EC2.operation_names}


WORKING = tunnel(TunnelState.UP, options={"DpdTimeoutAction": "none"})


def repair(kind: CauseKind, this: Case | None = None, against: tuple[str, ...] = ()) -> Repair:
    cause = Cause(kind, Confidence.POSSIBLE, (), "", "", against=against)
    return commands(cause, this or case(DOWN), "eu-west-1")


def changed_options(line: str) -> dict[str, Any]:
    words = shlex.split(line)
    return dict(json.loads(words[words.index("--tunnel-options") + 1]))


ALL_COMMANDS = sorted(
    {
        line
        for kind in CauseKind
        for scenario in CAUSES.values()
        for result in [repair(kind, scenario.case)]
        for line in (*result.look, *result.change)
    }
)


@pytest.mark.parametrize("line", ALL_COMMANDS)
def test_each_command_is_one_that_aws_knows_with_parameters_that_it_takes(line: str) -> None:
    program, service, operation, *arguments = shlex.split(line)
    assert (program, service) == ("aws", "ec2")
    shape = OPERATIONS[operation].input_shape
    assert shape is not None
    members = {f"--{xform_name(name, '-')}": name for name in shape.members}
    known = {*members, "--region", "--query", "--output"}
    flags = [word for word in arguments if word.startswith("--")]
    assert set(flags) <= known
    assert "--region" in flags
    given: dict[str, Any] = {}
    for flag, value in zip(arguments, [*arguments[1:], ""], strict=True):
        if flag in members:
            parsed: Any = json.loads(value) if value.startswith("{") else value
            kind = shape.members[members[flag]].type_name
            given[members[flag]] = [value] if kind == "list" else True if kind == "boolean" else parsed
    if not str(given.get("TunnelOptions", "")).startswith("file://"):
        assert not ParamValidator().validate(given, shape).has_errors(), ParamValidator().validate(given, shape)


@pytest.mark.parametrize("kind", CauseKind)
def test_the_look_comes_first_and_cannot_show_a_pre_shared_key(kind: CauseKind) -> None:
    [look] = repair(kind).look
    assert shlex.split(look)[2] == "describe-vpn-connections"
    assert "VgwTelemetry" in look


def test_differences_are_set_to_what_the_policy_states() -> None:
    gateway: OptionValues = {
        "Phase1LifetimeSeconds": 3000,
        "IkeVersions": ("ikev2",),
        "Phase2DHGroupNumbers": ("14", "20"),
    }
    this = tunnel(TunnelState.IPSEC_DOWN, options={"Phase2DHGroupNumbers": ("2",), "IkeVersions": ("ikev1",)})
    result = repair(CauseKind.REKEY_MISMATCH, case(this, gateway=gateway))
    assert changed_options(result.change[0]) == {
        "IKEVersions": [{"Value": "ikev2"}],
        "Phase2DHGroupNumbers": [{"Value": 14}, {"Value": 20}],
    }
    assert any("change it there" in warning for warning in result.warnings)


def test_what_aws_does_not_accept_is_for_the_device_to_change() -> None:
    ikev1 = tunnel(TunnelState.IPSEC_DOWN, options={"IkeVersions": ("ikev1",)})
    result = repair(CauseKind.REKEY_MISMATCH, case(ikev1, gateway={"Phase1LifetimeSeconds": 86400}))
    assert result.change == ()
    assert "AWS does not accept phase1_lifetime_seconds 86400: change the device." in result.warnings


def test_a_mismatch_that_is_only_logged_asks_for_the_devices_values() -> None:
    result = repair(CauseKind.REKEY_MISMATCH)
    assert result.change == ()
    assert "policies.customer_gateway" in result.warnings[0]


def test_dead_peer_detection_restarts_unless_it_does() -> None:
    assert changed_options(repair(CauseKind.DEAD_PEER_DETECTION).change[0]) == {"DPDTimeoutAction": "restart"}
    restarts = tunnel(TunnelState.IPSEC_DOWN, options={"DpdTimeoutAction": "restart"})
    assert repair(CauseKind.DEAD_PEER_DETECTION, case(restarts)).change == ()


@pytest.mark.parametrize("kind", [CauseKind.WILL_NOT_RECOVER_ALONE, CauseKind.ENDPOINT_REPLACEMENT])
def test_aws_is_made_to_initiate_unless_it_does(kind: CauseKind) -> None:
    wanted = {"IKEVersions": [{"Value": "ikev2"}], "StartupAction": "start"}
    assert changed_options(repair(kind).change[0]) == wanted
    initiates = tunnel(TunnelState.IPSEC_DOWN, options=AWS_INITIATES)
    assert repair(kind, case(initiates)).change == ()


def test_pending_maintenance_is_applied_with_the_new_endpoint() -> None:
    assert "--apply-pending-maintenance" not in repair(CauseKind.UNKNOWN).change[0]
    pending = replace(case(DOWN), evidence=Evidence(maintenance=Maintenance(pending="Update")))
    assert repair(CauseKind.UNKNOWN, pending).change[0].endswith("--apply-pending-maintenance")


def test_a_key_never_stands_on_a_command_line() -> None:
    result = repair(CauseKind.PRE_SHARED_KEY_MISMATCH)
    assert "PreSharedKey" not in result.change[0]
    assert "file://tunnel-options.json" in result.change[0]


def test_the_command_names_this_tunnel_only() -> None:
    for kind in CauseKind:
        for line in repair(kind).change:
            assert OTHER not in line


def test_no_routes_adds_a_static_route_and_leaves_bgp_to_the_device() -> None:
    up = tunnel(TunnelState.UP_WITHOUT_ROUTES)
    assert "create-vpn-connection-route" in repair(CauseKind.NO_ROUTES, case(up)).change[0]
    assert repair(CauseKind.NO_ROUTES, case(up, routing="bgp")).change == ()
    static = replace(case(up).connection, vpn_gateway_id="")
    for elsewhere in (
        replace(static, transit_gateway_id="tgw-1"),
        replace(static, core_network_arn="arn"),
        replace(static, vpn_concentrator_id="vcn-1"),
    ):
        result = repair(CauseKind.NO_ROUTES, replace(case(up), connection=elsewhere))
        assert result.change == ()
        assert "own route table" in result.warnings[0]


def test_with_the_other_tunnel_up_the_change_is_advised_one_at_a_time() -> None:
    result = repair(CauseKind.DEAD_PEER_DETECTION)
    assert result.advised
    assert result.warnings[0].startswith(f"The other tunnel {OTHER} was up")
    assert "some minutes" in result.warnings[1]
    assert "one tunnel at a time" in result.warnings[1]


@pytest.mark.parametrize(
    "this",
    [
        case(WORKING, other=tunnel(TunnelState.IPSEC_DOWN, ip=OTHER, since=LONG_AGO)),
        case(WORKING, other=tunnel(TunnelState.BGP_DOWN, ip=OTHER, since=LONG_AGO)),
        case(WORKING, other=tunnel(None, ip=OTHER)),
        case(WORKING, other=None),
        case(DOWN, other=UP, state=ConnectionState.MODIFYING),
    ],
    ids=["other down", "other without BGP", "other unknown", "no other", "being modified"],
)
def test_a_tunnel_that_works_is_not_interrupted_unless_the_other_is_known_to_be_up(this: Case) -> None:
    result = repair(CauseKind.DEAD_PEER_WITH_ACTION_NONE, this)
    assert not result.advised
    assert result.warnings[0].startswith("Do not run this now: ")


def test_a_tunnel_that_is_itself_down_loses_nothing() -> None:
    result = repair(CauseKind.DEAD_PEER_DETECTION, case(DOWN, other=tunnel(TunnelState.IPSEC_DOWN, ip=OTHER)))
    assert result.advised
    assert result.warnings[0].startswith("No tunnel is up: bring one up from the device first.")


def test_what_speaks_against_the_cause_holds_the_command_back() -> None:
    result = repair(CauseKind.DEAD_PEER_DETECTION, against=("The other tunnel fell as well.",))
    assert not result.advised
    assert "The other tunnel fell as well." in result.warnings[0]


IKEV1: OptionValues = {"IkeVersions": ("ikev1",)}
SPEAKS_IKEV1 = {
    "permitted": case(tunnel(TunnelState.IPSEC_DOWN, options=IKEV1)),
    "permitted on the other": case(DOWN, other=replace(UP, options=IKEV1)),
    "negotiated": case(DOWN, evidence=Evidence(negotiated=Negotiated(ike_version="IKEv1"))),
    "negotiated on the other": replace(
        case(DOWN), siblings={OTHER: Evidence(negotiated=Negotiated(ike_version="ikev1"))}
    ),
    "stated": case(DOWN, gateway=IKEV1),
}


@pytest.mark.parametrize("this", SPEAKS_IKEV1.values(), ids=SPEAKS_IKEV1.keys())
def test_ikev2_only_is_not_printed_where_ikev1_is_known_to_be_in_use(this: Case) -> None:
    for kind in CauseKind:
        result = repair(kind, this)
        assert not any("IKEVersions" in line for line in result.change)
    assert "IKEv1 is in use" in repair(CauseKind.WILL_NOT_RECOVER_ALONE, this).warnings[0]


def test_ikev2_only_waits_until_it_is_known_that_the_device_speaks_it() -> None:
    assert not repair(CauseKind.WILL_NOT_RECOVER_ALONE).advised
    agreed = Evidence(negotiated=Negotiated(ike_version="ikev2"))
    assert repair(CauseKind.WILL_NOT_RECOVER_ALONE, case(DOWN, evidence=agreed)).advised


def test_aws_cannot_initiate_towards_a_gateway_without_an_address() -> None:
    nowhere = case(DOWN, evidence=Evidence(customer_gateways=CustomerGateway("cgw-1")))
    result = repair(CauseKind.WILL_NOT_RECOVER_ALONE, nowhere)
    assert result.change == ()
    assert "no IP address" in result.warnings[0]


def test_a_key_is_set_neither_beside_a_certificate_nor_in_secrets_manager() -> None:
    certified = replace(case(DOWN), tunnel=replace(DOWN, certificate_arn="arn"))
    kept = case(DOWN)
    kept = replace(kept, connection=replace(kept.connection, pre_shared_key_arn="arn"))
    for this in (certified, kept):
        result = repair(CauseKind.PRE_SHARED_KEY_MISMATCH, this)
        assert result.change == ()
        assert "tunnel-options.json" not in " ".join(result.warnings)


def test_a_new_endpoint_is_not_for_the_first_half_hour_nor_after_a_collision() -> None:
    assert repair(CauseKind.UNKNOWN, case(tunnel(TunnelState.IPSEC_DOWN, since=NOW - 20 * MINUTE))).change == ()
    collided = log((FELL - 20, LogEventClass.REKEY_COLLISION, "collision"))
    assert repair(CauseKind.UNKNOWN, case(DOWN, evidence=collided)).change == ()


def test_no_value_from_a_file_alone_and_no_weaker_algorithm_is_set_at_aws() -> None:
    this = tunnel(TunnelState.IPSEC_DOWN, options={"Phase1DHGroupNumbers": ("20",)})
    weaker = case(this, gateway={"Phase1DHGroupNumbers": ("14",)})
    result = repair(CauseKind.REKEY_MISMATCH, weaker)
    assert result.change == ()
    assert "weaker" in result.warnings[0]
    stronger = case(tunnel(TunnelState.IPSEC_DOWN, options={"Phase1DHGroupNumbers": ("14",)}))
    stronger = replace(
        stronger, settings=Settings(policies=(Policy(device={THIS: {"Phase1DHGroupNumbers": ("20",)}}),))
    )
    result = repair(CauseKind.REKEY_MISMATCH, stronger)
    assert result.change == ()
    assert "only read in the device's file" in result.warnings[0]


@pytest.mark.parametrize("kind", [CauseKind.BGP_DOWN, CauseKind.CUSTOMER_GATEWAY_UNREACHABLE])
def test_where_the_repair_is_on_the_device_nothing_is_changed_at_aws(kind: CauseKind) -> None:
    result = repair(kind)
    assert result.change == ()
    assert not result.advised
    assert "customer gateway" in result.warnings[0]


def test_hostile_text_from_aws_stays_one_word_of_the_command() -> None:
    hostile = replace(case(DOWN), tunnel=tunnel(TunnelState.IPSEC_DOWN, ip="$(reboot); `id`"))
    line = repair(CauseKind.DEAD_PEER_DETECTION, hostile).change[0]
    assert "$(reboot); `id`" in shlex.split(line)
    assert "'$(reboot); `id`'" in line


def test_sources_do_not_change_the_commands() -> None:
    with_logs = replace(case(DOWN), sources=frozenset({"logs"}))
    for kind in CauseKind:
        assert repair(kind, with_logs) == repair(kind)
    assert THIS in repair(CauseKind.UNKNOWN).change[0]
