"""The customer gateway: its configuration as a file of strongSwan's, and how it is set."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lab.network import SITE, Tunnel
from lab.options import child
from lab.pace import scaled

_TIMES = frozenset(
    {"rekey_time", "reauth_time", "over_time", "rand_time", "life_time", "dpd_delay", "dpd_timeout", "inactivity"}
)
"""Keys whose values are seconds, at AWS's pace."""

Settings = Mapping[str, Any]
Changes = Mapping[str, Any]
"""What `DeviceTunnel.changed` takes."""


@dataclass(frozen=True)
class DeviceTunnel:
    """One tunnel as the device is set: the file's own keys, with times as numbers of seconds at AWS's pace.

    `ike` and `child` are laid over what a device that fits AWS's defaults has; a key that is None is left out.
    """

    key: str = field(repr=False)
    ike: Settings = field(default_factory=dict)
    child: Settings = field(default_factory=dict)
    identity: str = SITE
    peer_identity: str = ""
    """What the device expects AWS to call itself; AWS's outside address where it is empty."""
    certificate: str = ""
    """The file of its certificate; it has a pre-shared key where that is empty."""

    def changed(self, ike: Settings | None = None, child: Settings | None = None, **more: Any) -> "DeviceTunnel":
        """The same with some settings replaced."""
        return replace(self, ike={**self.ike, **(ike or {})}, child={**self.child, **(child or {})}, **more)


_IKE: Settings = {
    "version": "2",
    "proposals": "aes256-sha256-modp2048",
    "rekey_time": 26000,
    "over_time": 2000,
    "dpd_delay": 10,
    "encap": "yes",
    "mobike": "no",
    "keyingtries": "1",
}
_CHILD: Settings = {
    "local_ts": "0.0.0.0/0",
    "remote_ts": "0.0.0.0/0",
    "esp_proposals": "aes256-sha256-modp2048",
    "rekey_time": 2700,
    "life_time": 3000,
    "dpd_action": "clear",
}
"""A device that fits AWS's defaults and rekeys first, as is recommended practice."""


def configuration(tunnels: Mapping[Tunnel, DeviceTunnel], pace: int, nat: bool) -> str:
    """The text of swanctl.conf; `pace` 1 has the times as an engineer would write them."""
    connections = {f"tunnel{tunnel.number}": _connection(tunnel, one, nat) for tunnel, one in tunnels.items()}
    secrets = {
        f"ike-{tunnel.number}": {"id": _peer(tunnel, one), "secret": f'"{one.key}"'} for tunnel, one in tunnels.items()
    }
    return "\n".join(_lines({"connections": connections, "secrets": secrets}, pace)) + "\n"


def _connection(tunnel: Tunnel, one: DeviceTunnel, nat: bool) -> Settings:
    return {
        "local_addrs": tunnel.private if nat else SITE,
        "remote_addrs": tunnel.outside,
        **_IKE,
        **one.ike,
        "local": {**_authentication(one), "id": one.identity},
        "remote": {"auth": _authentication(one)["auth"], "id": _peer(tunnel, one)},
        "children": {child(tunnel): {**_CHILD, **one.child}},
    }


def _authentication(one: DeviceTunnel) -> Mapping[str, str]:
    return {"auth": "pubkey", "certs": one.certificate} if one.certificate else {"auth": "psk"}


def _peer(tunnel: Tunnel, one: DeviceTunnel) -> str:
    return one.peer_identity or tunnel.outside


def _lines(section: Settings, pace: int, indent: str = "") -> Iterator[str]:
    for name, value in section.items():
        if isinstance(value, Mapping):
            yield f"{indent}{name} {{"
            yield from _lines(value, pace, indent + "  ")
            yield f"{indent}}}"
        elif name in _TIMES and value is not None:
            yield f"{indent}{name} = {scaled(value, pace)}s"
        elif value is not None:
            yield f"{indent}{name} = {value}"
