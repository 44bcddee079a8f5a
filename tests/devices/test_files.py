"""What is read out of whole device files, and what is named as not readable."""

from pathlib import Path

import pytest

from aws_vpn_exporter.devices import READERS, DeviceError, Peer, read
from aws_vpn_exporter.options import OptionValues

FILES = Path(__file__).parent / "files"

EXPECTED: dict[tuple[str, str], OptionValues] = {
    ("swanctl.conf", "203.0.113.17"): {
        "Phase1LifetimeSeconds": 28800,
        "Phase2LifetimeSeconds": 3600,
        "IkeVersions": ("ikev2",),
        "Phase1EncryptionAlgorithms": ("AES128", "AES256"),
        "Phase1IntegrityAlgorithms": ("SHA2-256",),
        "Phase1DHGroupNumbers": ("14", "19"),
        "Phase2EncryptionAlgorithms": ("AES256", "AES256-GCM-16"),
        "Phase2IntegrityAlgorithms": ("SHA2-512",),
        "Phase2DHGroupNumbers": ("14", "20"),
    },
    ("swanctl.conf", "198.51.100.17"): {
        "Phase1LifetimeSeconds": 15840,  # 4 h by default, and 10 %
        "Phase2LifetimeSeconds": 3960,  # an hour, and 10 %
        "DpdTimeoutSeconds": 30,
        "IkeVersions": ("ikev1",),
        "Phase1EncryptionAlgorithms": ("AES128",),
        "Phase1IntegrityAlgorithms": ("SHA1",),
        "Phase1DHGroupNumbers": ("2",),
        "Phase2EncryptionAlgorithms": ("AES128",),
        "Phase2IntegrityAlgorithms": ("SHA1",),
        "Phase2DHGroupNumbers": ("none",),
    },
    ("ios-ikev1.txt", "203.0.113.17"): {
        "Phase1LifetimeSeconds": 28800,
        "Phase2LifetimeSeconds": 3600,
        "IkeVersions": ("ikev1",),
        "Phase1EncryptionAlgorithms": ("AES128", "AES256"),
        "Phase1DHGroupNumbers": ("2", "14"),
        "Phase2EncryptionAlgorithms": ("AES256",),
        "Phase2IntegrityAlgorithms": ("SHA2-256",),
        "Phase2DHGroupNumbers": ("14",),
    },
    ("ios-ikev1.txt", "198.51.100.17"): {
        "Phase1LifetimeSeconds": 28800,
        "Phase2LifetimeSeconds": 1800,  # of the whole router
        "IkeVersions": ("ikev1",),
        "Phase1EncryptionAlgorithms": ("AES128", "AES256"),
        "Phase1DHGroupNumbers": ("2", "14"),
        "Phase2DHGroupNumbers": ("none",),
    },
    ("ios-ikev2.txt", "203.0.113.17"): {
        "Phase1LifetimeSeconds": 28800,
        "Phase2LifetimeSeconds": 3600,  # by default
        "IkeVersions": ("ikev2",),
        "Phase1EncryptionAlgorithms": ("AES256-GCM-16",),
        "Phase1DHGroupNumbers": ("19", "20"),
        "Phase2EncryptionAlgorithms": ("AES256-GCM-16",),
        "Phase2DHGroupNumbers": ("20",),
    },
}

GAPS = {
    ("swanctl.conf", "203.0.113.17"): [
        (41, "no address in remote_addrs"),
        (50, "includes another file"),
        (10, "checks every 10 s, but its time-out follows from the retransmission settings"),
    ],
    ("swanctl.conf", "198.51.100.17"): [(41, "no address in remote_addrs"), (50, "includes another file")],
    ("ios-ikev1.txt", "203.0.113.17"): [
        (15, "has no hash: the default depends on the release"),
        (21, "checks every 10 s and again after 3 s, but how often"),
    ],
    ("ios-ikev1.txt", "198.51.100.17"): [
        (15, "has no hash: the default depends on the release"),
        (21, "checks every 10 s and again after 3 s, but how often"),
        (45, "names a transform-set that the file does not have"),
    ],
    ("ios-ikev2.txt", "203.0.113.17"): [
        (2, "names no integrity algorithm but a PRF"),
        (20, "checks every 10 s and again after 2 s, but how often"),
    ],
}


def peer(file: str, outside_ip: str) -> Peer:
    found = read((FILES / file).read_text()).peer(outside_ip)
    assert found is not None
    return found


@pytest.mark.parametrize(("file", "outside_ip"), EXPECTED)
def test_the_values_of_the_peer_at_the_tunnels_outside_address(file: str, outside_ip: str) -> None:
    assert peer(file, outside_ip).options == EXPECTED[file, outside_ip]


@pytest.mark.parametrize(("file", "outside_ip"), GAPS)
def test_each_gap_names_its_line(file: str, outside_ip: str) -> None:
    gaps = peer(file, outside_ip).gaps
    assert [gap.line for gap in gaps] == [line for line, _ in GAPS[file, outside_ip]]
    for gap, (_, words) in zip(gaps, GAPS[file, outside_ip], strict=True):
        assert words in gap.about


@pytest.mark.parametrize(("file", "outside_ip"), EXPECTED)
def test_each_value_says_where_it_comes_from_and_the_line_is_right(file: str, outside_ip: str) -> None:
    lines = (FILES / file).read_text().splitlines()
    for stated in peer(file, outside_ip).stated.values():
        for part in stated.origin.split("; "):
            key, found, rest = part.partition(" (line ")
            if found and not key.startswith("no "):
                assert key.split(", ")[0][:4] in lines[int(rest.split(")")[0]) - 1], part


@pytest.mark.parametrize("file", sorted(path.name for path in FILES.iterdir()))
def test_no_secret_of_a_file_is_kept(file: str) -> None:
    text = (FILES / file).read_text()
    assert "made-up-" in text
    assert "made-up" not in repr(read(text))
    assert "bWFkZS11cC1zZWNyZXQ" not in repr(read(text))


@pytest.mark.parametrize("file", sorted(path.name for path in FILES.iterdir()))
def test_another_address_has_no_peer(file: str) -> None:
    assert read((FILES / file).read_text()).peer("203.0.113.99") is None


def test_an_address_is_found_in_every_spelling() -> None:
    text = "connections { a { remote_addrs = 2001:DB8:0::1\n } }"
    assert read(text).peer("2001:db8::1") is not None


def test_a_second_peer_at_the_same_address_is_said() -> None:
    text = "connections { a { remote_addrs = 192.0.2.1\n }\n b { remote_addrs = 192.0.2.1\n } }"
    found = read(text).peer("192.0.2.1")
    assert found is not None
    assert found.name == "connection a (line 1)"
    assert any("2 peers at this address" in gap.about for gap in found.gaps)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "conn aws\n  keyexchange=ikev2\n",
        "ASA Version 9.16\ncrypto map OUTSIDE 1 set peer 203.0.113.17\n",
        "crypto ipsec ikev1 transform-set A esp-aes esp-sha-hmac\ncrypto ikev1 policy 10\n",
    ],
    ids=["empty", "prose", "ipsec.conf", "ASA", "ASA without its head"],
)
def test_a_format_that_is_not_known_is_refused_with_those_that_are(text: str) -> None:
    with pytest.raises(DeviceError, match=r"strongSwan swanctl\.conf or Cisco IOS"):
        read(text)


def test_a_huge_file_is_refused() -> None:
    with pytest.raises(DeviceError, match="1 MiB"):
        read("connections {\n" + "x" * 1024 * 1024)


def test_each_reader_has_a_title_of_its_own() -> None:
    assert len({reader.title for reader in READERS}) == len(READERS)
