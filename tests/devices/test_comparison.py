"""AWS and the device side by side."""

from aws_vpn_exporter.devices import Row, Verdict, compare, read
from aws_vpn_exporter.devices.settings import READABLE
from aws_vpn_exporter.model import Connection, ConnectionState, Tunnel
from aws_vpn_exporter.options import OPTIONS, OptionValues
from aws_vpn_exporter.policy import Settings

IP = "203.0.113.17"
CONNECTION = Connection("vpn-1", ConnectionState.AVAILABLE)
DEVICE = f"""connections {{
  aws {{
    version = 2
    remote_addrs = {IP}
    proposals = aes256-sha256-modp2048,aes192-sha256-modp2048
    rekey_time = 7h
    over_time = 1h
    children {{ net {{
      esp_proposals = aes256-sha256
      life_time = 2h
    }} }}
  }}
}}
"""


def rows(at_aws: OptionValues | None = None, settings: Settings | None = None, device: str = DEVICE) -> dict[str, Row]:
    peer = read(device).peer(IP)
    assert peer is not None
    return {
        row.sides.option.name: row
        for row in compare(peer, CONNECTION, Tunnel(IP, options=at_aws or {}), settings or Settings())
    }


def test_every_option_that_readers_look_for_has_a_row_in_the_order_of_awss_options() -> None:
    assert list(rows()) == [option.name for option in OPTIONS if option.name in READABLE]
    assert set(rows()) == set(READABLE)


def test_equal_numbers_are_the_same_with_awss_default_too() -> None:
    row = rows()["Phase1LifetimeSeconds"]
    assert (row.sides.at_aws, row.sides.source, row.sides.at_gateway, row.verdict) == (
        28800,
        "default",
        28800,
        Verdict.SAME,
    )
    configured = rows({"Phase1LifetimeSeconds": 28800})["Phase1LifetimeSeconds"]
    assert (configured.sides.source, configured.verdict) == ("configured", Verdict.SAME)


def test_different_numbers_differ_and_the_line_is_named() -> None:
    row = rows()["Phase2LifetimeSeconds"]
    assert (row.sides.at_aws, row.sides.at_gateway, row.verdict) == (3600, 7200, Verdict.HARMLESS)
    assert "line 10" in row.note
    ikev1 = rows(device=DEVICE.replace("version = 2", "version = 1"))["Phase2LifetimeSeconds"]
    assert ikev1.verdict is Verdict.DIFFERS
    assert ikev1.note.endswith("AWS accepts 900 to 3600, so only the device can be changed")


def test_a_device_that_uses_less_than_aws_permits_is_the_same() -> None:
    assert rows()["IkeVersions"].verdict is Verdict.SAME
    assert rows()["Phase1DHGroupNumbers"].verdict is Verdict.SAME


def test_what_differing_sets_have_in_common_is_said() -> None:
    row = rows()["Phase1EncryptionAlgorithms"]
    assert row.verdict is Verdict.DOUBTFUL
    assert row.note.endswith("Both have AES256, on which they can agree")
    apart = rows({"Phase1EncryptionAlgorithms": ("AES128",)})["Phase1EncryptionAlgorithms"]
    assert apart.verdict is Verdict.DIFFERS
    assert apart.note.endswith("nothing in common to agree on; either side can be changed")


def test_phase_2_without_a_group_differs_from_whatever_aws_permits() -> None:
    row = rows()["Phase2DHGroupNumbers"]
    assert (row.sides.at_gateway, row.verdict) == (("none",), Verdict.DIFFERS)


def test_a_gap_is_not_stated_and_says_why() -> None:
    row = rows()["DpdTimeoutSeconds"]
    assert (row.sides.at_gateway, row.verdict) == (None, Verdict.NOT_STATED)
    assert "dpd_delay is not set" in row.note


def test_the_users_own_defaults_stand_in_for_awss() -> None:
    own = Settings(option_defaults={"Phase2LifetimeSeconds": 7200})
    assert rows(settings=own)["Phase2LifetimeSeconds"].verdict is Verdict.SAME
