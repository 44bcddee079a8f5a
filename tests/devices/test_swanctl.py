"""swanctl.conf: lifetimes, proposals and the file's syntax."""

import pytest

from aws_vpn_exporter.devices import Peer, read

IP = "203.0.113.17"


def peer(connection: str = "", child: str = "", head: str = "") -> Peer:
    """The peer of one connection with one child, each with these lines more."""
    inside = f"remote_addrs = {IP}\n{connection}\nchildren {{\nnet {{\n{child}\n}}\n}}\n"
    text = f"{head}connections {{\naws {{\n{inside}}}\n}}\n"
    found = read(text).peer(IP)
    assert found is not None
    return found


def about(found: Peer, option: str) -> str:
    return "; ".join(gap.about for gap in found.gaps if option in gap.options)


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        ("", 15840),
        ("rekey_time = 8h", 31680),
        ("rekey_time = 8h\nover_time = 0s", 28800),
        ("rekey_time = 450m\nover_time = 30m", 28800),
        ("reauth_time = 1d", 95040),
        ("reauth_time = 7h\nover_time = 1h", 28800),
        ("rekey_time = 0\nreauth_time = 7200", 7920),
    ],
)
def test_phase_1_ends_over_time_after_the_rekey(lines: str, seconds: int) -> None:
    assert peer(lines).options["Phase1LifetimeSeconds"] == seconds


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("rekey_time = 0", "rekeys never"),
        ("rekey_time = 4h\nreauth_time = 8h", "both rekey_time and reauth_time"),
        ("rekey_time = soon", "time of rekey_time is not understood"),
        ("over_time = 10%", "time of over_time is not understood"),
    ],
)
def test_phase_1_lifetimes_that_cannot_be_known_are_gaps(lines: str, why: str) -> None:
    found = peer(lines)
    assert "Phase1LifetimeSeconds" not in found.options
    assert why in about(found, "Phase1LifetimeSeconds")


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [("", 3960), ("rekey_time = 3272", 3599), ("life_time = 1h", 3600), ("life_time = 1h\nrekey_time = 0", 3600)],
)
def test_phase_2_ends_with_life_time_or_a_tenth_after_the_rekey(lines: str, seconds: int) -> None:
    assert peer(child=lines).options["Phase2LifetimeSeconds"] == seconds


@pytest.mark.parametrize("lines", ["rekey_time = 0", "life_time = 0", "life_time = always"])
def test_phase_2_lifetimes_that_cannot_be_known_are_gaps(lines: str) -> None:
    found = peer(child=lines)
    assert "Phase2LifetimeSeconds" not in found.options
    assert about(found, "Phase2LifetimeSeconds")


def test_children_with_different_lifetimes_are_a_gap() -> None:
    found = peer(child="life_time = 1h\n}\nmore {\nlife_time = 2h")
    assert "Phase2LifetimeSeconds" not in found.options
    assert "3600 and 7200" in about(found, "Phase2LifetimeSeconds")


@pytest.mark.parametrize(
    ("proposal", "encryption", "integrity", "groups"),
    [
        ("aes256-sha256-modp2048", ("AES256",), ("SHA2-256",), ("14",)),
        ("aes-sha-modp1024", ("AES128",), ("SHA1",), ("2",)),
        ("aes128-sha384-ecp256", ("AES128",), ("SHA2-384",), ("19",)),
        ("AES256-SHA2_512-ECP521", ("AES256",), ("SHA2-512",), ("21",)),
        ("aes256gcm16-prfsha384-ecp384", ("AES256-GCM-16",), None, ("20",)),
        ("aes128gcm128-prfsha256-modp2048s256", ("AES128-GCM-16",), None, ("24",)),
        ("aes256gcm-prfsha256-modp8192", ("AES256-GCM-16",), None, ("18",)),
        ("aes256gcm8-prfsha256-modp4096", ("AES256-GCM-8",), None, ("16",)),
        ("3des-md5-modp1536", ("3DES",), ("MD5",), ("5",)),
        ("aes192-sha256-curve25519", ("AES192",), ("SHA2-256",), ("31",)),
        ("aes256-sha256-mlkem768", ("AES256",), ("SHA2-256",), ("36",)),
    ],
)
def test_proposals_are_said_in_aws_words(
    proposal: str, encryption: tuple[str, ...], integrity: tuple[str, ...] | None, groups: tuple[str, ...]
) -> None:
    found = peer(f"proposals = {proposal}", f"esp_proposals = {proposal.replace('prfsha384-', '')}")
    for phase in ("Phase1", "Phase2"):
        assert found.options[f"{phase}EncryptionAlgorithms"] == encryption
        assert found.options.get(f"{phase}IntegrityAlgorithms") == integrity
        assert found.options[f"{phase}DHGroupNumbers"] == groups


@pytest.mark.parametrize("proposals", ["default", "aes256-sha256-modp2048,default", "", "aes256-rot13-modp2048"])
def test_what_is_left_to_a_default_or_not_understood_is_a_gap_and_no_half_truth(proposals: str) -> None:
    found = peer(f"proposals = {proposals}")
    assert "Phase1EncryptionAlgorithms" not in found.options
    assert about(found, "Phase1EncryptionAlgorithms")
    assert "rot13" not in repr(found)


def test_no_proposals_are_the_default_of_the_release() -> None:
    found = peer()
    assert "depends on its release" in about(found, "Phase1EncryptionAlgorithms")
    assert "depends on its release" in about(found, "Phase2EncryptionAlgorithms")


def test_ah_is_not_for_aws() -> None:
    assert "AH" in about(peer(child="ah_proposals = sha256-modp2048"), "Phase2IntegrityAlgorithms")


@pytest.mark.parametrize(
    ("version", "expected"),
    [("", ("ikev1", "ikev2")), ("version = 0", ("ikev1", "ikev2")), ("version = 2", ("ikev2",))],
)
def test_the_version_of_ike(version: str, expected: tuple[str, ...]) -> None:
    assert peer(version).options["IkeVersions"] == expected


def test_an_odd_version_is_a_gap() -> None:
    assert "IkeVersions" not in peer("version = 3").options


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        ("version = 1\ndpd_delay = 10\ndpd_timeout = 40", 40),
        ("version = 1\ndpd_timeout = 40", None),
        ("version = 1\ndpd_delay = 10", None),
        ("version = 2\ndpd_delay = 10\ndpd_timeout = 40", None),
        ("dpd_delay = 10\ndpd_timeout = 40", None),
    ],
)
def test_a_dpd_time_out_is_known_with_ikev1_only(lines: str, seconds: int | None) -> None:
    found = peer(lines)
    assert found.options.get("DpdTimeoutSeconds") == seconds
    assert bool(about(found, "DpdTimeoutSeconds")) is (seconds is None)


@pytest.mark.parametrize(
    "line",
    [
        'version = "1"',
        "version=1",
        "version\t=\t1 # and a comment } {",
        "local { auth = psk }\nversion = 1",
        "version = 2\nversion = 1",
        "# version = 2\nversion = 1",
        "description = { nothing\nversion = 1",
    ],
)
def test_the_syntax_of_the_file(line: str) -> None:
    found = peer(line)
    assert found.options["IkeVersions"] == ("ikev1",)


def test_a_section_that_comes_twice_is_one() -> None:
    head = f"connections {{\naws {{\nversion = 1\nremote_addrs = {IP}\n}}\n}}\n"
    assert peer(head=head).options["IkeVersions"] == ("ikev1",)


def test_settings_taken_over_from_elsewhere_are_a_gap() -> None:
    text = f"connections {{\naws : base.aws {{\nremote_addrs = {IP}\n}}\n}}\n"
    found = read(text).peer(IP)
    assert found is not None
    assert {gap.line for gap in found.gaps if "takes settings over" in gap.about} == {2}
    assert found.options == {}


@pytest.mark.parametrize(("text", "line"), [("connections {\na {\n}\n", 1), ("connections {\n}\n}\n", 3)])
def test_unbalanced_braces_are_said(text: str, line: int) -> None:
    assert any(gap.line == line and "clos" in gap.about for gap in read(text).gaps)
