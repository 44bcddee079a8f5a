"""AWS's options and the device's settings, as the daemons are told."""

from lab import device, options
from lab.associations import IN, Associations
from lab.device import DeviceTunnel
from lab.network import TUNNELS
from lab.options import TunnelOptions
from lab.pace import PACE, Clock

ANY = ("0.0.0.0/0", "0.0.0.0/0")
KEY = "a key for the tests"


def told(stated: dict[str, object], pace: int = 1) -> dict[str, object]:
    """The settings of connection and child in one mapping; the child's names come first."""
    made = options.connection(TUNNELS[1], TunnelOptions(KEY, stated), ANY, pace)["tunnel1"]
    return {**{f"child.{name}": value for name, value in made["children"]["child1"].items()}, **made}


def test_awss_defaults() -> None:
    made = told({})
    assert made["version"] == "0"
    assert (made["rekey_time"], made["over_time"], made["rand_time"]) == ("28530s", "270s", "270s")
    assert (made["child.life_time"], made["child.rekey_time"], made["child.rand_time"]) == ("3600s", "3330s", "270s")
    assert (made["child.dpd_action"], made["child.start_action"], made["keyingtries"]) == ("clear", "none", "1")
    assert made["child.esp_proposals"] == [
        "aes128-aes256-sha1-sha256-sha384-sha512-modp1024-modp1536-modp2048-modp3072-modp4096-modp6144-modp8192-"
        "ecp256-ecp384-ecp521-modp1024s160-modp2048s224-modp2048s256",
        "aes128gcm16-aes256gcm16-modp1024-modp1536-modp2048-modp3072-modp4096-modp6144-modp8192-"
        "ecp256-ecp384-ecp521-modp1024s160-modp2048s224-modp2048s256",
    ]


def test_what_is_set_is_told() -> None:
    made = told(
        {
            "IkeVersions": [{"Value": "ikev2"}],
            "Phase1LifetimeSeconds": 7200,
            "Phase2LifetimeSeconds": 1800,
            "RekeyMarginTimeSeconds": 600,
            "RekeyFuzzPercentage": 50,
            "StartupAction": "start",
            "Phase1EncryptionAlgorithms": [{"Value": "AES256-GCM-16"}],
            "Phase1IntegrityAlgorithms": [{"Value": "SHA2-384"}],
            "Phase1DHGroupNumbers": [{"Value": 20}],
        }
    )
    assert made["version"] == "2"
    assert (made["rekey_time"], made["over_time"], made["rand_time"]) == ("6600s", "600s", "300s")
    assert (made["child.life_time"], made["child.rekey_time"], made["child.rand_time"]) == ("1800s", "1200s", "300s")
    assert (made["child.start_action"], made["child.close_action"], made["keyingtries"]) == ("start", "start", "0")
    assert made["proposals"] == ["aes256gcm16-prfsha384-ecp384"]


def test_the_dead_peer_detection_of_an_endpoint() -> None:
    assert told({"DpdTimeoutSeconds": 90})["dpd_delay"] == "30s"
    assert told({"DpdTimeoutAction": "none"})["dpd_delay"] == "0s"
    restart = told({"DpdTimeoutAction": "restart"})
    assert (restart["child.dpd_action"], restart["keyingtries"]) == ("restart", "0")


def test_the_labs_pace_makes_seconds_of_minutes_and_never_nothing() -> None:
    made = told({}, PACE)
    assert (made["child.life_time"], made["child.rekey_time"]) == ("60s", "56s")
    assert made["dpd_delay"] == "1s"


def test_a_new_key_replaces_the_old_one_and_is_not_shown_by_accident() -> None:
    changed = TunnelOptions(KEY).changed({"PreSharedKey": "another", "Phase2LifetimeSeconds": 900})
    assert changed.key == "another"
    assert options.secret(changed)["data"] == "another"
    assert "another" not in repr(changed)


def test_the_devices_file_reads_as_an_engineer_would_write_it() -> None:
    tunnel = DeviceTunnel(KEY).changed(child={"inactivity": 600, "dpd_action": None}, identity="10.1.0.2")
    text = device.configuration({TUNNELS[1]: tunnel}, pace=1, nat=True)
    assert "        rekey_time = 2700s\n        life_time = 3000s\n        inactivity = 600s\n" in text
    assert "    local_addrs = 10.1.0.2\n    remote_addrs = 198.51.100.10\n" in text
    assert "dpd_action" not in text
    assert "inactivity = 10s\n" in device.configuration({TUNNELS[1]: tunnel}, pace=PACE, nat=True)


def test_the_clock_stretches_what_happens_since_the_start() -> None:
    clock = Clock(60, real=lambda: 107.0, start=100.0)
    assert clock.now() == 520.0
    assert clock.real_at(clock.now()) == 107.0
    assert Clock(1, real=lambda: 107.0, start=100.0).now() == 107.0


def sa(number: str, count: int, spi: str) -> dict[str, object]:
    return {"uniqueid": number, "spi-in": spi, "bytes-in": str(count)}


def test_bytes_go_on_where_an_association_is_replaced_and_the_tunnel_does_not_fall() -> None:
    now = [0.0]
    known = Associations(clock=lambda: now[0])

    def hear(event: str, children: dict[str, object], **more: str) -> None:
        known.hear(event, {"tunnel1": {"uniqueid": "1", "child-sas": children}, **more})

    now[0] = 10.0
    hear("ike-updown", {}, up="yes")
    hear("child-updown", {"child1-1": sa("1", 0, "aa")}, up="yes")
    now[0] = 20.0
    hear("child-rekey", {"child1": {"old": sa("1", 500, "aa"), "new": sa("2", 0, "bb")}})
    now[0] = 30.0
    known.count([{"child-sas": {"child1-2": sa("2", 70, "bb")}}])
    assert (known.status.child, known.status.since, known.status.rekeys) == (True, 10.0, 1)
    assert known.bytes(IN, 0, 25) == 500
    assert known.bytes(IN, 25, 35) == 70
    now[0] = 40.0
    hear("child-updown", {"child1-1": sa("1", 500, "aa")}, up="no")
    assert known.status.child, "the old one's end is not the tunnel's"
    hear("child-updown", {"child1-2": sa("2", 80, "bb")}, up="no")
    assert (known.status.child, known.status.since) == (False, 40.0)
    assert known.bytes(IN, 0, 50) == 580
    known.hear("gone", {})
    assert not known.status.ike
