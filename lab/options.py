"""AWS's tunnel options as strongSwan's settings: what the IKE daemon of an endpoint is told.

What cannot be shown: ReplayWindowSize (the userspace ESP always has a window of 128 packets). How fast a dead peer is
found follows from `charon.RETRANSMITS`, not from DpdTimeoutSeconds, once that is shorter than what the daemon can do.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aws_vpn_exporter.options import OPTIONS
from lab.charon import RETRANSMITS
from lab.network import SITE, Side, Tunnel
from lab.pace import scaled

_ENCRYPTION = {
    "AES128": "aes128",
    "AES256": "aes256",
    "AES128-GCM-16": "aes128gcm16",
    "AES256-GCM-16": "aes256gcm16",
}
_INTEGRITY = {"SHA1": "sha1", "SHA2-256": "sha256", "SHA2-384": "sha384", "SHA2-512": "sha512"}
_GROUPS = {
    "2": "modp1024",
    "5": "modp1536",
    "14": "modp2048",
    "15": "modp3072",
    "16": "modp4096",
    "17": "modp6144",
    "18": "modp8192",
    "19": "ecp256",
    "20": "ecp384",
    "21": "ecp521",
    "22": "modp1024s160",
    "23": "modp2048s224",
    "24": "modp2048s256",
}
"""AWS's names of algorithms and numbers of groups to strongSwan's keywords."""

_DEFAULTS = {option.name: option.default for option in OPTIONS}


@dataclass(frozen=True)
class TunnelOptions:
    """A tunnel's options as AWS states them in its answer; what is not stated is at AWS's default.

    `stated` has AWS's form: numbers, words, and sets as lists of {"Value": ...}. `key` is the pre-shared key.
    """

    key: str = field(repr=False)
    stated: Mapping[str, Any] = field(default_factory=dict)

    def number(self, name: str) -> int:
        """The value of an option that is a number."""
        return int(self.stated.get(name, _DEFAULTS[name]))

    def word(self, name: str) -> str:
        """The value of an option that is a word."""
        return str(self.stated.get(name, _DEFAULTS[name]))

    def words(self, name: str) -> Sequence[str]:
        """The members of an option that is a set."""
        if name in self.stated:
            return [str(one["Value"]) for one in self.stated[name]]
        default: Any = _DEFAULTS[name]
        return list(default)

    def changed(self, options: Mapping[str, Any]) -> "TunnelOptions":
        """The same with some of them set anew; a new pre-shared key comes as `PreSharedKey`."""
        stated = {**self.stated, **options}
        return TunnelOptions(str(stated.pop("PreSharedKey", self.key)), stated)

    def described(self) -> dict[str, Any]:
        """As DescribeVpnConnections shows them, key included."""
        return {**self.stated, "PreSharedKey": self.key}


def connection(
    tunnel: Tunnel,
    options: TunnelOptions,
    selectors: tuple[str, str],
    pace: int,
    authentication: Mapping[Side, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The endpoint's connection, as vici takes it, by name. `selectors` are the site's network and the VPC's.

    `authentication` is how both ends authenticate themselves where that is not by the pre-shared key.
    """
    ends = authentication or {"aws": {"auth": "psk", "id": tunnel.outside}, "site": {"auth": "psk", "id": SITE}}
    site, vpc = selectors
    return {
        f"tunnel{tunnel.number}": {
            "version": _version(options.words("IkeVersions")),
            "local_addrs": [tunnel.outside],
            "remote_addrs": [SITE],
            "local": ends["aws"],
            "remote": ends["site"],
            "proposals": list(_proposals(options, 1)),
            "encap": "yes",
            "mobike": "no",
            "unique": "replace",
            "keyingtries": "0" if _starts(options) or options.word("DpdTimeoutAction") == "restart" else "1",
            **_phase1_times(options, pace),
            "children": {child(tunnel): {"local_ts": [vpc], "remote_ts": [site], **_child(options, pace)}},
        }
    }


def child(tunnel: Tunnel) -> str:
    """The name of a tunnel's child SA, at both ends."""
    return f"child{tunnel.number}"


def secret(options: TunnelOptions) -> dict[str, Any]:
    """The pre-shared key, as vici takes it."""
    return {"id": "key", "type": "IKE", "data": options.key, "owners": []}


def _version(versions: Iterable[str]) -> str:
    only = set(versions)
    return "1" if only == {"ikev1"} else "2" if only == {"ikev2"} else "0"


def _starts(options: TunnelOptions) -> bool:
    return options.word("StartupAction") == "start"


def _phase1_times(options: TunnelOptions, pace: int) -> dict[str, str]:
    lifetime, margin = options.number("Phase1LifetimeSeconds"), options.number("RekeyMarginTimeSeconds")
    never = options.word("DpdTimeoutAction") == "none"
    checks = options.number("DpdTimeoutSeconds") / RETRANSMITS
    return {
        "rekey_time": f"{scaled(lifetime - margin, pace)}s",
        "over_time": f"{scaled(margin, pace)}s",
        "rand_time": f"{scaled(_fuzz(options), pace)}s",
        "dpd_delay": "0s" if never else f"{scaled(checks, pace)}s",
    }


def _fuzz(options: TunnelOptions) -> float:
    return options.number("RekeyMarginTimeSeconds") * options.number("RekeyFuzzPercentage") / 100


def _child(options: TunnelOptions, pace: int) -> dict[str, Any]:
    lifetime, margin = options.number("Phase2LifetimeSeconds"), options.number("RekeyMarginTimeSeconds")
    action = "start" if _starts(options) else "none"
    return {
        "mode": "tunnel",
        "esp_proposals": list(_proposals(options, 2)),
        "life_time": f"{scaled(lifetime, pace)}s",
        "rekey_time": f"{scaled(lifetime - margin, pace)}s",
        "rand_time": f"{scaled(_fuzz(options), pace)}s",
        "dpd_action": "restart" if options.word("DpdTimeoutAction") == "restart" else "clear",
        "start_action": action,
        "close_action": action,
    }


def _proposals(options: TunnelOptions, phase: int) -> Iterable[str]:
    """One proposal for the ciphers that need an integrity algorithm, and one for those that have their own."""
    ciphers = options.words(f"Phase{phase}EncryptionAlgorithms")
    hashes = [_INTEGRITY[name] for name in options.words(f"Phase{phase}IntegrityAlgorithms")]
    groups = [_GROUPS[number] for number in options.words(f"Phase{phase}DHGroupNumbers") if number in _GROUPS]
    combined = [_ENCRYPTION[name] for name in ciphers if "GCM" in name]
    plain = [_ENCRYPTION[name] for name in ciphers if "GCM" not in name]
    if plain:
        yield "-".join([*plain, *hashes, *groups])
    if combined:
        functions = [f"prf{name}" for name in hashes] if phase == 1 else []
        yield "-".join([*combined, *functions, *groups])
