"""What people who run such tunnels have met, told over the wire: two stories of each kind, and what must come out.

The kinds come from public bug reports, configurations and AWS's tables of log messages; names and values are made up.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from aws_vpn_exporter.devices import DeviceError, read_file
from aws_vpn_exporter.history import Memory
from aws_vpn_exporter.options import OptionValues
from tests.diagnosis.stage import DAY, HOUR, KEY, MINUTE, NOW, UP, C, Flow, Said, Story, T, Told, address, story, tell

VYOS = """connections {{
  peer_{peer} {{
    version = 1
    local_addrs = 198.18.0.2
    remote_addrs = {peer}
    proposals = aes128-sha1-modp1024
    rekey_time = {phase1}s
    dpd_delay = 15s
    children {{ vti {{
      esp_proposals = aes128-sha1-modp1024
      life_time = {phase2}s
      dpd_action = restart
    }} }}
  }}
}}
"""
INHERITING = """conn-defaults {{
  version = 2
  proposals = aes256gcm16-prfsha384-ecp384
  rekey_time = 7h
}}
{include}
connections {{
  aws : conn-defaults {{
    remote_addrs = {peer}
    children {{ net {{ local_ts = 10.1.0.0/16 }} }}
  }}
}}
"""
LEFT_OVER = """crypto isakmp policy 10
 encr aes 256
 hash sha256
 group 14
 lifetime 3600
crypto isakmp key {key} address {peer}
crypto ipsec transform-set OLD esp-aes 256 esp-sha256-hmac
crypto map OLD 10 ipsec-isakmp
 set peer {peer}
 set transform-set OLD
 set pfs group14
 match address 110
crypto ikev2 proposal NEW
 encryption aes-gcm-256
 prf sha384
 group 20
crypto ikev2 policy NEW
 proposal NEW
crypto ikev2 keyring NEW
 peer aws
  address {peer}
  pre-shared-key {key}
crypto ikev2 profile NEW
 match identity remote address {peer} 255.255.255.255
 authentication remote pre-share
 authentication local pre-share
 keyring local NEW
crypto ipsec transform-set GCM esp-gcm 256
 mode tunnel
crypto ipsec profile NEW
 set transform-set GCM
 set pfs group20
 set ikev2-profile NEW
interface Tunnel1
 ip address 169.254.10.2 255.255.255.252
 tunnel source GigabitEthernet1
 tunnel destination {peer}
 tunnel mode ipsec ipv4
 tunnel protection ipsec profile NEW
interface GigabitEthernet1
 ip address 198.18.0.2 255.255.255.0
{end}"""
HARDENED = {
    "IkeVersions": ["ikev2"],
    "Phase1EncryptionAlgorithms": ["AES256-GCM-16"],
    "Phase1DHGroupNumbers": ["20"],
    "Phase2EncryptionAlgorithms": ["AES256-GCM-16"],
    "Phase2DHGroupNumbers": ["20"],
}

AT_REST = Story((C((UP, UP)),))
FALLEN = Story((C((T(options=HARDENED), replace(UP, options=HARDENED))),))
ALL_DOWN = Story((C((T(options=HARDENED), T(since=-2 * HOUR, options=HARDENED))),))


def stated(folder: Path, text: str) -> OptionValues:
    """What is read about the first tunnel in a device's file with this text."""
    (folder / "device.conf").write_text(text)
    peer = read_file(folder / "device.conf").peer(address(0, 0))
    return peer.options if peer else {}


def with_file(story: Story, options: OptionValues) -> Told:
    return tell(replace(story, gateway=options, from_file=True))


def mismatches(told: Told) -> list[str]:
    """The options that the metric calls a mismatch."""
    return re.findall(r'aws_vpn_tunnel_option_mismatch\{[^}]*option="([^"]+)"[^}]*\} 1\.0', told.metrics)


@pytest.mark.parametrize(("phase1", "phase2"), [(28800, 3600), (27000, 3300)], ids=["as AWS's sample", "a bit sooner"])
def test_a_device_that_rekeys_when_or_before_aws_would_is_no_mismatch(phase1: int, phase2: int, tmp_path: Path) -> None:
    """VyOS writes the lifetime that was typed as `rekey_time`; strongSwan itself closes a tenth later."""
    told = with_file(AT_REST, stated(tmp_path, VYOS.format(peer=address(0, 0), phase1=phase1, phase2=phase2)))
    assert mismatches(told) == []
    assert told.first == ("", "")


@pytest.mark.parametrize("place", [FALLEN, ALL_DOWN], ids=["one down", "both down"])
@pytest.mark.parametrize("include", ["", "include more/*.conf"], ids=["inherits", "inherits and includes"])
def test_what_a_section_inherits_or_an_unread_include_may_hold_is_unknown(
    include: str, place: Story, tmp_path: Path
) -> None:
    options = stated(tmp_path, INHERITING.format(peer=address(0, 0), include=include))
    told = with_file(place, options)
    assert options.get("IkeVersions", ("ikev2",)) == ("ikev2",)
    assert mismatches(told) == []
    assert "rekey_mismatch" not in told.likely
    assert not any("IKEVersions" in command or "Lifetime" in command for command in told.commands)


@pytest.mark.parametrize("place", [FALLEN, ALL_DOWN], ids=["one down", "both down"])
@pytest.mark.parametrize("applied", ["", "interface GigabitEthernet2\n crypto map OLD\n shutdown\n"])
def test_a_crypto_map_that_is_not_in_force_states_nothing(applied: str, place: Story, tmp_path: Path) -> None:
    """Kept for a way back: applied to no interface, or to one that is shut."""
    options = stated(tmp_path, LEFT_OVER.format(peer=address(0, 0), key="made-up", end=applied))
    told = with_file(place, options)
    assert options["IkeVersions"] == ("ikev2",)
    assert options["Phase2EncryptionAlgorithms"] == ("AES256-GCM-16",)
    assert mismatches(told) == []
    assert "rekey_mismatch" not in told.likely
    assert not any("modify-vpn-tunnel-options" in command and "IKEv1" in command for command in told.commands)


@pytest.mark.parametrize(
    "text", ["include conf.d/*.conf\n", "# as it is installed\nsecrets {\n}\ninclude conf.d/*.conf\n"]
)
def test_a_file_that_only_includes_others_says_so(text: str, tmp_path: Path) -> None:
    (tmp_path / "swanctl.conf").write_text(text)
    with pytest.raises(DeviceError, match="name the one with `connections`"):
        read_file(tmp_path / "swanctl.conf")


def notified(code: str, words: str) -> Story:
    """A BGP session that the device ended, and four attempts since."""
    neighbor = "neighbor 169.254.10.2"
    ended = Said(-HOUR, f"AWS-side peer received notification {code} ({words}) from {neighbor}", bgp=True)
    since = tuple(
        Said(
            -HOUR + n * 5 * MINUTE,
            f"AWS-side peer received notification 6/5 (Cease/Connection Rejected) from {neighbor}",
            bgp=True,
        )
        for n in range(1, 5)
    )
    return story(T("BGP", lines=(ended, *since)), UP)


@pytest.mark.parametrize(
    ("code", "words", "remedy"),
    [
        ("6/2", "Cease/Administrative Shutdown", "shut"),
        ("6/3", "Cease/Peer Unconfigured", "neighbor"),
        ("6/1", "Cease/Maximum Number of Prefixes Reached", "prefix"),
    ],
)
def test_the_line_that_tells_why_outranks_the_latest_ones(code: str, words: str, remedy: str) -> None:
    told = tell(notified(code, words))
    best = told.causes[0]
    assert told.first == ("bgp_down", "likely")
    assert words in " ".join(best["evidence"])
    assert remedy in best["remedy"]


@pytest.mark.parametrize(
    ("reason", "remedy"), [("non-connected next-hop", "next hop"), ("as-path contains our own AS", "AS")]
)
def test_routes_that_aws_denies_are_not_announced_once_more(reason: str, remedy: str) -> None:
    denied = tuple(Said(at * MINUTE, f"DENIED due to: {reason}", bgp=True, route="UPDATED") for at in (-39, -9))
    told = tell(story(T("NO ROUTES", -40 * MINUTE, lines=denied), UP))
    best = told.causes[0]
    assert told.first == ("no_routes", "likely")
    assert reason in " ".join(best["evidence"])
    assert remedy in best["remedy"]
    assert not best["remedy"].startswith("Announce")


CREATED = Memory(NOW - 2 * DAY, appeared=True)
NEVER_UP: Mapping[str, Story] = {
    "seen to appear": story(T(since=-2 * DAY, memory=CREATED), T(since=-2 * DAY, memory=CREATED)),
    "parked for months": story(T(since=-90 * DAY), T(since=-90 * DAY + 1)),
}


@pytest.mark.parametrize("told", NEVER_UP.values(), ids=NEVER_UP)
def test_what_was_never_up_has_not_fallen(told: Story) -> None:
    result = tell(told)
    assert result.first[0] == "never_up"
    assert "customer_gateway_unreachable" not in result.likely


@pytest.mark.parametrize("phase", [1, 2])
def test_integrity_has_no_meaning_beside_an_encryption_that_brings_its_own(phase: int) -> None:
    """AES-GCM alone: AWS omits the integrity algorithms, and its default for them is not in force."""
    options = {"IkeVersions": ["ikev2"], f"Phase{phase}EncryptionAlgorithms": ["AES128-GCM-16", "AES256-GCM-16"]}
    told = tell(story(replace(UP, options=options), replace(UP, options=options)))
    [permitted] = set(
        re.findall(rf'aws_vpn_tunnel_options_info\{{[^}}]*phase{phase}_integrity="([^"]*)"', told.metrics)
    )
    assert permitted == ""


ONE_WAY: Mapping[str, tuple[float, float]] = {
    "nothing comes back": (0, 48_000 * 60),
    "nothing is sent": (48_000 * 60, 0),
}


@pytest.mark.parametrize(("received", "sent"), ONE_WAY.values(), ids=ONE_WAY)
def test_traffic_of_both_directions_is_published_each_by_itself(received: float, sent: float) -> None:
    """The rules that alarm on it are tested with promtool: alerts/tests/connection-one-way.test.yaml."""
    told = tell(
        story(replace(UP, flows=(Flow(-3 * HOUR, 0, received, sent),)), replace(UP, flows=(Flow(-3 * HOUR, 0, 0, 0),)))
    )
    tunnel = re.escape(f'tunnel_ip="{address(0, 0)}"')
    for metric, expected in (("receive", received), ("transmit", sent)):
        line = rf"^aws_vpn_tunnel_{metric}_bytes_per_second\{{[^}}]*{tunnel}[^}}]*\}} (\S+)$"
        [shown] = re.findall(line, told.metrics, re.MULTILINE)
        assert float(shown) == expected / 60


@pytest.mark.parametrize("told", [AT_REST, FALLEN, ALL_DOWN, *NEVER_UP.values()])
def test_no_key_comes_out(told: Story) -> None:
    result = tell(told)
    assert KEY not in result.text + result.json + result.metrics + result.page
