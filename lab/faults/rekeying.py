"""What goes wrong, or does not, when keys are renewed."""

from concurrent.futures import ThreadPoolExecutor

from lab.faults.base import SHORT, Fault, Remedy, Stage, both, first_down, values
from lab.laboratory import Plan
from lab.network import TUNNELS
from lab.options import child

_DEVICE_FIRST = {"rekey_time": 300, "life_time": 720, "rand_time": 0}
"""A device that renews its keys after 5 s here, and gives up the old ones after 12 s."""
_STRICT = {**SHORT, "Phase2DHGroupNumbers": values(14)}


def _agree_at_aws(stage: Stage) -> None:
    stage.modify({"Phase2DHGroupNumbers": values(19)})


def _agree_at_device(stage: Stage) -> None:
    stage.lab.set_device(1, child={"esp_proposals": "aes256-sha256-modp2048"})
    stage.lab.restart_tunnel(1)


def _collide(stage: Stage) -> None:
    """Both ends begin at once, again and again until it happens: a collision is a matter of a millisecond."""
    with ThreadPoolExecutor(2) as ends:
        for _ in range(40):
            before = stage.lab.associations[1].status.rekeys
            for end in [ends.submit(stage.lab.charons[side, 1].rekey, child(TUNNELS[1])) for side in ("aws", "site")]:
                end.result()
            stage.lab.until(lambda: stage.lab.associations[1].status.rekeys > before, "a rekey")  # noqa: B023
            if stage.logged("collision"):
                return


FAULTS = (
    Fault(
        "group-refused-by-aws",
        "The device renews phase 2 with a Diffie-Hellman group that AWS does not permit.",
        plan=Plan(
            options={1: _STRICT, 2: SHORT},
            device={1: {"child": {**_DEVICE_FIRST, "esp_proposals": "aes256-sha256-ecp256"}}},
        ),
        seen=first_down,
        causes=frozenset({"rekey_mismatch"}),
        remedy=Remedy("Permit the device's group at AWS (modify-vpn-tunnel-options).", _agree_at_aws, survives=1),
    ),
    Fault(
        "no-perfect-forward-secrecy",
        "The device renews phase 2 without a Diffie-Hellman group, which AWS does not permit.",
        plan=Plan(
            options={1: _STRICT, 2: SHORT}, device={1: {"child": {**_DEVICE_FIRST, "esp_proposals": "aes256-sha256"}}}
        ),
        seen=first_down,
        causes=frozenset({"rekey_mismatch"}),
        remedy=Remedy("Set the device to use group 14 in phase 2.", _agree_at_device, survives=1),
    ),
    Fault(
        "lifetimes-differ",
        "The device's lifetimes are shorter than AWS's, in IKEv2.",
        plan=Plan(options=both(SHORT), device={1: {"child": {"rekey_time": 240, "life_time": 300}}}),
        seen=lambda stage: stage.rekeyed(2),
        causes=frozenset(),
    ),
    Fault(
        "lifetimes-differ-ikev1",
        "The device's lifetimes are shorter than AWS's, in IKEv1.",
        plan=Plan(
            options={1: {**SHORT, "IkeVersions": values("ikev1")}},
            device={1: {"ike": {"version": "1"}, "child": {"rekey_time": 240, "life_time": 300}}},
        ),
        seen=lambda stage: stage.rekeyed(2),
        causes=frozenset(),
    ),
    Fault(
        "margin-fills-the-lifetime",
        "AWS's rekey margin and fuzz together are as long as the lifetime.",
        plan=Plan(
            options={1: {"Phase2LifetimeSeconds": 960, "RekeyMarginTimeSeconds": 480, "RekeyFuzzPercentage": 100}},
        ),
        seen=lambda stage: stage.rekeyed(3),
        causes=frozenset(),
    ),
    Fault(
        "rekey-collision",
        "Both ends renew phase 2 at the same moment.",
        act=_collide,
        seen=lambda stage: stage.logged("collision"),
        causes=frozenset(),
    ),
)
