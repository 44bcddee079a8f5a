"""The device's own file, which runs in the lab: what the exporter reads in it is what the daemon really does."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from aws_vpn_exporter import devices
from lab.cloud import Cloud
from lab.fleet import CONNECTION
from lab.laboratory import Lab, Plan
from lab.network import TUNNELS
from lab.options import child

Make = Callable[[Plan], Lab]

pytestmark = pytest.mark.timeout(300)

DEVICES: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "usual": {},
    "gcm": {
        "ike": {"proposals": "aes256gcm16-prfsha384-ecp384", "rekey_time": 14400, "over_time": 1440, "dpd_delay": 15},
        "child": {"esp_proposals": "aes128gcm16-ecp256", "rekey_time": 1800, "life_time": 2000},
    },
    "ikev1": {
        "ike": {
            "version": "1",
            "proposals": "aes128-sha1-modp1536",
            "rekey_time": 27000,
            "over_time": 1800,
            "dpd_timeout": 45,
        },
        "child": {"esp_proposals": "aes128-sha1-modp1536", "rekey_time": 3000, "life_time": 3300},
    },
    "without-times": {
        "ike": {"rekey_time": None, "over_time": None},
        "child": {"rekey_time": None, "life_time": None},
    },
}
"""Devices that come up with AWS's defaults; two differ from them in what they use."""

_ENCRYPTION = {("AES_CBC", "128"): "AES128", ("AES_CBC", "256"): "AES256"}
_ENCRYPTION |= {("AES_GCM_16", "128"): "AES128-GCM-16", ("AES_GCM_16", "256"): "AES256-GCM-16"}
_INTEGRITY = {"HMAC_SHA1_96": "SHA1", "HMAC_SHA2_256_128": "SHA2-256"}
_GROUPS = {"MODP_1536": "5", "MODP_2048": "14", "ECP_256": "19", "ECP_384": "20"}


@pytest.fixture(params=DEVICES)
def lab(labs: Make, request: pytest.FixtureRequest) -> Lab:
    """A lab at the device's own pace, after one rekey."""
    made = labs(
        Plan(
            pace=1,
            options={1: {"Phase1DHGroupNumbers": [{"Value": n} for n in (5, 14, 20)]}},
            device={1: DEVICES[request.param]},
        )
    )
    made.until_up(1)
    made.charons["site", 1].rekey(child(TUNNELS[1]))
    made.until(lambda: made.associations[1].status.rekeys, "a rekey")
    return made


def read(lab: Lab) -> Mapping[str, object]:
    """What the exporter reads in the file that the device runs with."""
    peer = devices.read(lab.namespaces.outside(lab.device_file).read_text()).peer(TUNNELS[1].outside)
    assert peer
    return peer.options


def running(lab: Lab) -> Iterator[tuple[str, object]]:
    """What `swanctl --list-sas` and `--list-conns` show, in AWS's words."""
    [sa] = lab.charons["site", 1].associations()
    [one] = (known for known in sa["child-sas"].values() if known["state"] == "INSTALLED")
    for phase, association in ((1, sa), (2, one)):
        cipher = _ENCRYPTION[association["encr-alg"], association["encr-keysize"]]
        yield f"Phase{phase}EncryptionAlgorithms", (cipher,)
        yield f"Phase{phase}DHGroupNumbers", (_GROUPS[association["dh-group"]],)
        if "GCM" not in cipher:
            yield f"Phase{phase}IntegrityAlgorithms", (_INTEGRITY[association["integ-alg"]],)
    yield "IkeVersions", (f"ikev{sa['version']}",)
    yield "Phase2LifetimeSeconds", int(one["life-time"]) + int(one["install-time"])
    listed = lab.namespaces.run("", "swanctl", "--list-conns", "--uri", f"unix://{lab.charons['site', 1].folder}/vici")
    block = re.search(r"^tunnel1: (.*?)(?=^\S|\Z)", listed, re.MULTILINE | re.DOTALL)
    assert block
    yield "listed", block[1]


def test_every_value_that_is_read_is_what_the_daemon_does(lab: Lab) -> None:
    stated, really = dict(read(lab)), dict(running(lab))
    listed = str(really.pop("listed"))
    lifetime, timeout = stated.pop("Phase1LifetimeSeconds"), stated.pop("DpdTimeoutSeconds", None)
    # What the daemon lists of phase 1 is when it begins anew; it is gone over_time, or a tenth, later.
    [rekeying] = re.findall(r"(?:rekeying|reauthentication) every (\d+)s", listed)[:1]
    assert int(rekeying) < int(str(lifetime)) <= 1.12 * int(rekeying)
    if timeout is not None:
        assert "IKEv1" in listed
    # The daemon counts what is left and what has passed in whole seconds.
    phase2 = (int(str(values.pop("Phase2LifetimeSeconds"))) for values in (stated, really))
    assert abs(next(phase2) - next(phase2)) <= 2
    assert stated == really


def test_compare_holds_the_running_file_against_aws(labs: Make, tmp_path: Path) -> None:
    lab = labs(Plan(pace=1, device={1: {"child": {"esp_proposals": "aes256-sha256-modp2048", "life_time": 3000}}}))
    lab.until_up()
    path = tmp_path / "swanctl.conf"
    path.write_text(lab.namespaces.outside(lab.device_file).read_text())
    with Cloud(lab) as cloud:
        said = cloud.exporter("compare", f"--device={path}", f"--vpn-connection-id={CONNECTION}").stdout
    assert f"{TUNNELS[1].outside}:" in said
    assert "phase2_lifetime_seconds: AWS 3600, device 3000" in said
    assert all(one.key not in said for one in lab.device.values())
