"""Whatever evidence comes together: what is said is never contradicted by what is known."""

import json
import shlex
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from aws_vpn_exporter.diagnosis.case import Case
from aws_vpn_exporter.diagnosis.cause import Confidence
from aws_vpn_exporter.diagnosis.causes import causes
from aws_vpn_exporter.diagnosis.commands import commands
from aws_vpn_exporter.diagnosis.surroundings import NOTHING_AROUND, Surroundings
from aws_vpn_exporter.evidence import (
    Change,
    Changes,
    CustomerGateway,
    Evidence,
    LogEvent,
    LogEventClass,
    Maintenance,
    Negotiated,
    Traffic,
    TrafficPoint,
    TunnelLog,
)
from aws_vpn_exporter.history import Memory
from aws_vpn_exporter.model import Connection, ConnectionState, TunnelState
from aws_vpn_exporter.policy import Policy, Settings
from testbed.diagnosis_cases import ALL_ON, FELL, MINUTE, NOW, OTHER, THIS, tunnel

Member = TypeVar("Member")

MOMENTS = st.sampled_from([NOW, NOW - MINUTE, FELL - 40 * MINUTE, FELL - MINUTE, FELL - 1, FELL, FELL + MINUTE, 0.0])
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "IkeVersions": st.sampled_from([("ikev1",), ("ikev2",)]),
        "StartupAction": st.sampled_from(["add", "start"]),
        "DpdTimeoutAction": st.sampled_from(["clear", "restart", "none"]),
        "LogEnabled": st.booleans(),
        "Phase1DHGroupNumbers": st.sampled_from([("2",), ("14", "20"), ("21",)]),
        "Phase1LifetimeSeconds": st.sampled_from([3600, 28800]),
    },
)
GATEWAY: st.SearchStrategy[dict[str, int | str | bool | tuple[str, ...]]] = st.fixed_dictionaries(
    {},
    optional={
        "IkeVersions": st.sampled_from([("ikev1",), ("ikev2",)]),
        "Phase1DHGroupNumbers": st.sampled_from([("2",), ("14",), ("21",)]),
        "Phase1LifetimeSeconds": st.sampled_from([3600, 86400]),
    },
)
TUNNELS = st.builds(
    tunnel, st.sampled_from([None, *TunnelState]), since=st.none() | MOMENTS, routes=st.integers(0, 2), options=OPTIONS
).flatmap(lambda one: st.sampled_from([one, replace(one, certificate_arn="arn")]))
EVENTS = st.lists(
    st.builds(
        LogEvent,
        MOMENTS,
        st.sampled_from(LogEventClass),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["", "established", "down"]),
    ),
    max_size=4,
)
POINTS = st.lists(
    st.builds(TrafficPoint, MOMENTS, st.sampled_from([None, 0.0, 900.0]), st.sampled_from([None, 0.0, 900.0])),
    min_size=1,
    max_size=3,
    unique_by=lambda point: point.time,
)
CALLS = st.sampled_from(["ModifyVpnTunnelOptions", "ReplaceVpnTunnel", "DeleteVpnConnectionRoute"])
EVIDENCE = st.builds(
    Evidence,
    traffic=st.none() | POINTS.map(lambda points: Traffic(tuple(sorted(points)))),
    maintenance=st.none() | st.builds(Maintenance, st.sampled_from(["", "available"]), st.none(), st.none() | MOMENTS),
    negotiated=st.none() | st.builds(Negotiated, st.sampled_from(["", "ikev1", "ikev2"])),
    logs=st.none() | EVENTS.map(lambda events: TunnelLog({}, tuple(sorted(events)))),
    changes=st.none()
    | st.lists(st.builds(Change, MOMENTS, CALLS, st.sampled_from(["alice", "bob"]), st.sampled_from([THIS, ""]))).map(
        lambda made: Changes(tuple(made))
    ),
    customer_gateways=st.sampled_from([None, CustomerGateway("cgw-1"), CustomerGateway("cgw-1", "192.0.2.1")]),
)
AWS_SIDES = st.sampled_from(["vpn_gateway_id", "transit_gateway_id", "core_network_arn", "vpn_concentrator_id"])


@st.composite
def cases(draw: st.DrawFn) -> Case:
    this = draw(TUNNELS)
    others = draw(st.lists(TUNNELS, max_size=1))
    connection = Connection(
        "vpn-0123456789abcdef0",
        draw(st.sampled_from([ConnectionState.AVAILABLE, ConnectionState.AVAILABLE, *ConnectionState])),
        routing=draw(st.sampled_from(["static", "bgp"])),
        association=draw(st.sampled_from(["associated", "not-associated"])),
        pre_shared_key_arn=draw(st.sampled_from(["", "arn"])),
        tunnels=(this, *(replace(one, outside_ip=OTHER) for one in others)),
    )
    connection = replace(connection, **{draw(AWS_SIDES): "side-1"})  # type: ignore[arg-type]
    stated = draw(GATEWAY)
    from_file = draw(st.booleans())
    policy = Policy(device={THIS: stated}) if from_file else Policy(customer_gateway=stated)
    memory = draw(st.none() | st.builds(Memory, MOMENTS, st.booleans(), st.booleans()))
    return Case(
        this,
        connection,
        Settings(policies=(policy,)),
        NOW,
        draw(EVIDENCE),
        draw(st.sampled_from([frozenset[str](), ALL_ON])),
        {OTHER: draw(EVIDENCE)} if others else {},
        {THIS: memory} if memory else {},
        draw(st.sampled_from([NOTHING_AROUND, Surroundings(("vpn-2",)), Surroundings((), 5, 3, "region eu-west-1")])),
    )


@given(cases())
@settings(max_examples=400, deadline=timedelta(seconds=2))
def test_what_is_likely_has_nothing_against_it_and_comes_first(case: Case) -> None:
    found = causes(case)
    assert [cause.confidence for cause in found] == sorted(cause.confidence for cause in found)
    assert len({cause.kind for cause in found}) == len(found)
    for cause in found:
        assert cause.evidence
        assert cause.confidence is Confidence.POSSIBLE or not cause.against


@given(cases(), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=timedelta(seconds=2))
def test_the_order_of_evidence_never_changes_the_verdict(case: Case, chance: Random) -> None:
    other = replace(
        case,
        evidence=_shuffled(case.evidence, chance),
        siblings={address: _shuffled(evidence, chance) for address, evidence in case.siblings.items()},
        connection=replace(case.connection, tunnels=case.connection.tunnels[::-1]),
    )
    assert causes(other) == causes(case)


def _shuffled(evidence: Evidence, chance: Random) -> Evidence:
    traffic, logs, changes = evidence.traffic, evidence.logs, evidence.changes
    return replace(
        evidence,
        traffic=traffic and Traffic(_in_any_order(traffic.points, chance)),
        logs=logs and replace(logs, latest=_in_any_order(logs.latest, chance)),
        changes=changes and Changes(_in_any_order(changes.known, chance)),
    )


def _in_any_order(known: tuple[Member, ...], chance: Random) -> tuple[Member, ...]:
    return tuple(chance.sample(known, len(known)))


@given(cases())
@settings(max_examples=400, deadline=timedelta(seconds=2))
def test_no_command_contradicts_what_is_known(case: Case) -> None:
    agreed = {e.negotiated.ike_version for e in case.evidences if e.negotiated}
    for cause in causes(case):
        repair = commands(cause, case, "eu-west-1")
        for line in repair.change:
            words = shlex.split(line)
            assert not (cause.against and repair.advised)
            if words[2] == "create-vpn-connection-route":
                assert case.connection.routing == "static"
                assert case.connection.vpn_gateway_id
            if words[2] == "replace-vpn-tunnel":
                pending = bool(case.evidence.maintenance and case.evidence.maintenance.pending)
                assert ("--apply-pending-maintenance" in words) == pending
            if words[2] == "modify-vpn-tunnel-options":
                _holds(case, words[words.index("--tunnel-options") + 1], agreed)
            if repair.advised and words[2] != "create-vpn-connection-route":
                assert case.connection.state is ConnectionState.AVAILABLE
                assert case.ipsec_down or any(one.telemetry and one.telemetry.up for one in case.others)


def _holds(case: Case, options: str, agreed: set[str]) -> None:
    if options.startswith("file://"):
        assert not case.tunnel.certificate_arn
        assert not case.connection.pre_shared_key_arn
        return
    wanted = json.loads(options)
    if wanted.get("StartupAction") == "start":
        assert "ikev1" not in agreed
        assert case.option("ike_versions") != ("ikev1",) or case.settings.customer_gateway(
            case.connection, case.tunnel
        ).get("IkeVersions") == ("ikev2",)
        gateway = case.evidence.customer_gateways
        assert gateway is None or gateway.address
    if "DPDTimeoutAction" in wanted:
        assert wanted["DPDTimeoutAction"] != case.option("dpd_timeout_action")
    if "Phase1DHGroupNumbers" in wanted:
        assert not case.settings.policies[0].device
        assert wanted["Phase1DHGroupNumbers"] != [{"Value": 2}]
