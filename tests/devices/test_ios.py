"""Cisco IOS: what a command says, and whose default it is where it is missing."""

import pytest

from aws_vpn_exporter.devices import Peer, read

IP = "203.0.113.17"
MAP = f"crypto map M 10 ipsec-isakmp\n set peer {IP}\n set transform-set TS\n"
TRANSFORM = "crypto ipsec transform-set TS esp-aes 256 esp-sha256-hmac\n"
IKEV2 = MAP + " set ikev2-profile P\n"


def peer(text: str) -> Peer:
    found = read(text).peer(IP)
    assert found is not None
    return found


def about(found: Peer, option: str) -> str:
    return "; ".join(gap.about for gap in found.gaps if option in gap.options)


@pytest.mark.parametrize(
    ("words", "encryption", "integrity"),
    [
        ("esp-aes esp-sha-hmac", ("AES128",), ("SHA1",)),
        ("esp-aes 192 esp-sha512-hmac", ("AES192",), ("SHA2-512",)),
        ("esp-aes 256 esp-sha384-hmac", ("AES256",), ("SHA2-384",)),
        ("esp-gcm", ("AES128-GCM-16",), None),
        ("esp-gcm 256", ("AES256-GCM-16",), None),
        ("esp-3des esp-md5-hmac", ("3DES",), ("MD5",)),
        ("esp-null esp-sha-hmac", ("NULL",), ("SHA1",)),
    ],
)
def test_transform_sets_are_said_in_aws_words(
    words: str, encryption: tuple[str, ...], integrity: tuple[str, ...] | None
) -> None:
    found = peer(f"crypto ipsec transform-set TS {words}\n mode tunnel\n{MAP}")
    assert found.options["Phase2EncryptionAlgorithms"] == encryption
    assert found.options.get("Phase2IntegrityAlgorithms") == integrity


def test_several_transform_sets_add_up() -> None:
    text = TRANSFORM + "crypto ipsec transform-set B esp-aes esp-sha-hmac\n" + MAP.replace("TS", "TS B")
    assert peer(text).options["Phase2EncryptionAlgorithms"] == ("AES128", "AES256")


def test_a_word_of_a_transform_set_that_is_not_understood_is_a_gap() -> None:
    found = peer(f"crypto ipsec transform-set TS esp-aes esp-rot13\n{MAP}")
    assert "Phase2EncryptionAlgorithms" not in found.options
    assert "rot13" not in repr(found)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (" encr aes 256\n hash sha384\n group 19\n", ("AES256", "SHA2-384", "19")),
        (" encryption aes\n hash sha\n group 2\n", ("AES128", "SHA1", "2")),
        (" encr 3des\n hash md5\n group 5\n", ("3DES", "MD5", "5")),
    ],
)
def test_isakmp_policies(lines: str, expected: tuple[str, str, str]) -> None:
    options = peer(f"crypto isakmp policy 10\n{lines}{MAP}").options
    found = [options[f"Phase1{part}"] for part in ("EncryptionAlgorithms", "IntegrityAlgorithms", "DHGroupNumbers")]
    assert found == [(word,) for word in expected]


def test_a_policy_without_a_lifetime_has_the_documented_day() -> None:
    found = peer(f"crypto isakmp policy 10\n encr aes\n{MAP}")
    assert found.options["Phase1LifetimeSeconds"] == 86400
    assert "no lifetime (line 1)" in found.stated["Phase1LifetimeSeconds"].origin


def test_policies_with_different_lifetimes_are_a_gap() -> None:
    found = peer(f"crypto isakmp policy 1\n lifetime 3600\ncrypto isakmp policy 2\n lifetime 28800\n{MAP}")
    assert "Phase1LifetimeSeconds" not in found.options
    assert "3600 and 28800" in about(found, "Phase1LifetimeSeconds")


@pytest.mark.parametrize("command", ["encryption", "hash", "group"])
def test_a_policy_that_leaves_a_command_out_is_a_gap(command: str) -> None:
    option = {"encryption": "EncryptionAlgorithms", "hash": "IntegrityAlgorithms", "group": "DHGroupNumbers"}[command]
    lines = {"encryption": " encr aes\n", "hash": " hash sha256\n", "group": " group 14\n"}
    text = "crypto isakmp policy 10\n" + "".join(line for key, line in lines.items() if key != command) + MAP
    found = peer(text)
    assert f"Phase1{option}" not in found.options
    assert f"has no {command}" in about(found, f"Phase1{option}")


@pytest.mark.parametrize(
    ("line", "groups"), [(" set pfs group20\n", ("20",)), (" set pfs\n", None), ("", ("none",))], ids=str
)
def test_perfect_forward_secrecy(line: str, groups: tuple[str, ...] | None) -> None:
    assert peer(TRANSFORM + MAP + line).options.get("Phase2DHGroupNumbers") == groups


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (MAP, 3600),
        (f"crypto ipsec security-association lifetime seconds 1800\n{MAP}", 1800),
        (
            "crypto ipsec security-association lifetime seconds 1800\n"
            f"{MAP} set security-association lifetime seconds 900",
            900,
        ),
        (f"{MAP} set security-association lifetime kilobytes 900", 3600),
    ],
)
def test_the_nearest_phase_2_lifetime_holds(text: str, seconds: int) -> None:
    assert peer(text).options["Phase2LifetimeSeconds"] == seconds


@pytest.mark.parametrize("value", ["", "unlimited", "99999999999999"])
def test_a_lifetime_that_is_no_number_is_a_gap(value: str) -> None:
    found = peer(f"{MAP} set security-association lifetime seconds {value}")
    assert "Phase2LifetimeSeconds" not in found.options
    assert about(found, "Phase2LifetimeSeconds") == "this lifetime is not understood"


PROPOSAL = "crypto ikev2 proposal A\n encryption aes-cbc-256 aes-cbc-128\n integrity sha512 sha256\n group 14 21\n"
POLICY = "crypto ikev2 policy Q\n proposal A\n"
PROFILE = "crypto ikev2 profile P\n lifetime 14400\n"


def test_an_ikev2_profile_makes_it_ikev2() -> None:
    found = peer(PROPOSAL + POLICY + PROFILE + IKEV2)
    assert found.options["IkeVersions"] == ("ikev2",)
    assert found.options["Phase1LifetimeSeconds"] == 14400
    assert found.options["Phase1EncryptionAlgorithms"] == ("AES128", "AES256")
    assert found.options["Phase1IntegrityAlgorithms"] == ("SHA2-256", "SHA2-512")
    assert found.options["Phase1DHGroupNumbers"] == ("14", "21")


def test_the_lifetime_of_a_profile_that_states_none_is_a_gap() -> None:
    found = peer(PROPOSAL + POLICY + "crypto ikev2 profile P\n keyring local K\n" + IKEV2)
    assert "Phase1LifetimeSeconds" not in found.options
    assert "has no lifetime" in about(found, "Phase1LifetimeSeconds")


def test_the_isakmp_policies_are_not_those_of_ikev2() -> None:
    found = peer("crypto isakmp policy 1\n encr 3des\n lifetime 60\n" + PROPOSAL + POLICY + PROFILE + IKEV2)
    assert found.options["Phase1LifetimeSeconds"] == 14400
    assert found.options["Phase1EncryptionAlgorithms"] == ("AES128", "AES256")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (PROPOSAL + PROFILE + IKEV2, "no crypto ikev2 policy"),
        (POLICY + PROFILE + IKEV2, "names an IKEv2 proposal that the file does not have"),
        (PROPOSAL + POLICY + "crypto ikev2 policy R\n proposal A\n" + PROFILE + IKEV2, "several IKEv2 policies"),
    ],
)
def test_proposals_that_cannot_be_known_are_gaps(text: str, why: str) -> None:
    found = peer(text)
    assert why in about(found, "Phase1EncryptionAlgorithms")
    assert "Phase1EncryptionAlgorithms" not in found.options


def test_a_missing_ikev2_profile_is_a_gap() -> None:
    assert "IKEv2 profile" in about(peer(PROPOSAL + POLICY + IKEV2), "Phase1LifetimeSeconds")


TUNNEL = f"interface Tunnel1\n tunnel destination {IP}\n tunnel protection ipsec profile X"
IPSEC_PROFILE = "crypto ipsec profile X\n set transform-set TS\n set pfs group14\n"


def test_the_profile_of_ikev2_may_stand_on_the_tunnel() -> None:
    text = TRANSFORM + PROPOSAL + POLICY + PROFILE + IPSEC_PROFILE + TUNNEL + " ikev2-profile P\n"
    assert peer(text).options["Phase1LifetimeSeconds"] == 14400


def test_a_tunnel_whose_profile_is_missing_is_said() -> None:
    assert [gap.line for gap in read(TRANSFORM + TUNNEL).gaps] == [4]


def test_a_crypto_map_on_a_tunnel_interface_does_not_end_it() -> None:
    text = TRANSFORM + IPSEC_PROFILE + TUNNEL.replace("\n", "\n crypto map OTHER\n", 1)
    assert peer(text).options["Phase2DHGroupNumbers"] == ("14",)


def test_a_peer_by_name_only_is_a_gap() -> None:
    settings = read("crypto map M 10 ipsec-isakmp\n set peer vpn.example.com dynamic\n set transform-set TS\n")
    assert [gap.about for gap in settings.gaps] == ["the crypto map entry names its peer by no address"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (MAP, "has no keepalive or dpd"),
        (f"crypto isakmp keepalive 10\n{MAP}", "checks every 10 s, but how often"),
        (f"crypto isakmp keepalive 30 5 periodic\n{MAP}", "checks every 30 s and again after 5 s, but how often"),
        (f"crypto ikev2 dpd 10 2 on-demand\n{PROFILE}{IKEV2}", "checks every 10 s and again after 2 s"),
        (f"crypto ikev2 dpd 10 2 on-demand\n{PROFILE} dpd 20 3 periodic\n{IKEV2}", "checks every 20 s"),
    ],
)
def test_the_dpd_time_out_is_always_a_gap_that_says_what_is_known(text: str, why: str) -> None:
    found = peer(text)
    assert "DpdTimeoutSeconds" not in found.options
    assert why in about(found, "DpdTimeoutSeconds")
