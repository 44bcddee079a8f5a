"""Ends that do not accept one another: keys, identities, versions, proposals, selectors."""

from typing import Any

from lab import certificates
from lab.faults.base import START, Act, Fault, Remedy, Stage, both, first_down, values
from lab.laboratory import Plan
from lab.network import SITE, SITE_NETWORK, TUNNELS, VPC_NETWORK

_KEY = frozenset({"pre_shared_key_mismatch", "authentication_failed"})
_AUTHENTICATION = frozenset({"authentication_failed"})
_PROPOSALS = frozenset({"rekey_mismatch", "proposal_mismatch"})
_IKEV1 = {"IkeVersions": values("ikev1")}


def _device(**changes: Any) -> Act:
    """Set the device anew, and let it begin anew: an SA that exists does not notice."""

    def act(stage: Stage) -> None:
        stage.lab.set_device(1, **changes)
        stage.lab.restart_tunnel(1)

    return act


def _right_key(stage: Stage) -> None:
    stage.lab.set_device(1, key=stage.lab.options[1].key)


def _policy(network: str) -> Act:
    return _device(child={"local_ts": network, "remote_ts": VPC_NETWORK})


def _same_networks_and_begin(stage: Stage) -> None:
    """AWS, once it is refused, does not try again by itself."""
    stage.lab.agent.initiates = "always"
    _policy(SITE_NETWORK)(stage)


def _refused(text: str) -> Any:
    return lambda stage: stage.logged(text) and first_down(stage)


FAULTS = (
    Fault(
        "key-differs",
        "The pre-shared key is changed on the device, in IKEv2.",
        act=_device(key="a-key-that-AWS-does-not-have"),
        seen=_refused("pre-shared key mismatch"),
        causes=_KEY,
        remedy=Remedy("Set the device to AWS's key.", _right_key),
    ),
    Fault(
        "key-differs-ikev1",
        "The pre-shared key is changed on the device, in IKEv1.",
        plan=Plan(options={1: _IKEV1}, device={1: {"ike": {"version": "1"}}}),
        act=_device(key="a-key-that-AWS-does-not-have"),
        seen=lambda stage: stage.logged("invalid Pre-shared Key") and stage.logged("deleting un-established"),
        causes=_KEY,
        remedy=Remedy("Set the device to AWS's key.", _right_key),
    ),
    Fault(
        "identity-behind-nat",
        "A device behind NAT calls itself by its private address.",
        plan=Plan(nat=True),
        act=_device(identity=TUNNELS[1].private),
        seen=_refused("AUTHENTICATION_FAILED"),
        causes=_AUTHENTICATION,
        remedy=Remedy("Let the device call itself by its public address.", _device(identity=SITE)),
    ),
    Fault(
        "peer-identity-differs",
        "The device expects AWS under another name than its outside address.",
        act=_device(peer_identity="aws.example"),
        seen=_refused("AUTHENTICATION_FAILED"),
        causes=_AUTHENTICATION,
        remedy=Remedy("Let the device expect AWS's outside address.", _device(peer_identity="")),
    ),
    Fault(
        "certificate-expired",
        "Both ends authenticate by certificate, and the device's has expired.",
        plan=Plan(certificates=True),
        act=_device(certificate=certificates.EXPIRED),
        seen=_refused("AUTHENTICATION_FAILED"),
        causes=_AUTHENTICATION | {"certificate_rejected"},
        remedy=Remedy("Give the device a valid certificate.", _device(certificate=certificates.DEVICE)),
    ),
    Fault(
        "ike-version-differs",
        "AWS permits IKEv2 only, and the device speaks IKEv1.",
        plan=Plan(options={1: {"IkeVersions": values("ikev2")}}),
        act=_device(ike={"version": "1"}),
        seen=_refused("No Proposal Match Found"),
        causes=_PROPOSALS | {"ike_version_mismatch"},
        remedy=Remedy("Set the device to IKEv2.", _device(ike={"version": "2"})),
    ),
    Fault(
        "phase-1-proposal-differs",
        "The device proposes algorithms for phase 1 that AWS does not permit.",
        plan=Plan(
            options={1: {"Phase1EncryptionAlgorithms": values("AES256"), "Phase1DHGroupNumbers": values(14, 20)}}
        ),
        act=_device(ike={"proposals": "aes128-sha1-modp1024"}),
        seen=_refused("No Proposal Match Found"),
        causes=_PROPOSALS,
        remedy=Remedy("Set the device to what AWS permits.", _device(ike={"proposals": "aes256-sha256-modp2048"})),
    ),
    Fault(
        "selectors-differ",
        "A policy-based device wants another network through the tunnel than AWS, and initiates.",
        plan=Plan(selectors=(SITE_NETWORK, VPC_NETWORK), routing="static"),
        act=_policy("192.168.7.0/24"),
        seen=_refused("while keeping Phase 1"),
        causes=frozenset({"traffic_selectors"}),
        remedy=Remedy("Give both sides the same networks.", _policy(SITE_NETWORK)),
    ),
    Fault(
        "selectors-differ-aws-initiates",
        "A policy-based device wants another network through the tunnel than AWS, which initiates.",
        plan=Plan(
            selectors=(SITE_NETWORK, VPC_NETWORK),
            routing="static",
            initiates="never",
            options=both(START),
        ),
        act=_policy("192.168.7.0/24"),
        seen=_refused("TS_UNACCEPTABLE"),
        causes=frozenset({"traffic_selectors"}),
        remedy=Remedy("Give both sides the same networks, and begin.", _same_networks_and_begin),
    ),
)
