"""Certificates in place of pre-shared keys: an authority of the lab's own, and what it issues to both ends.

The files lie where swanctl looks for them beside the device's file: x509, x509ca and private.
"""

from collections.abc import Mapping
from typing import Any

from lab import inside
from lab.namespaces import Namespaces
from lab.network import SITE, TUNNELS, Side, Tunnel

DEVICE, EXPIRED = "device.pem", "device-expired.pem"
"""The device's certificate, and one that is no longer valid."""

ARN = "arn:aws:acm:eu-west-1:123456789012:certificate/00000000-1ab0-41ab-91ab-001ab1ab1ab1"
"""What AWS says of a tunnel that authenticates by certificate."""

_ISSUE = "pki --issue --cacert x509ca/ca.pem --cakey private/ca.pem --type priv --outform pem"


def make(namespaces: Namespaces) -> None:
    """Make the authority and issue what both ends need."""
    commands = [
        f"cd {inside.ROOM}; mkdir x509 x509ca private; umask 077",
        "pki --gen --type ecdsa --size 256 --outform pem >private/ca.pem",
        "pki --self --ca --in private/ca.pem --type ecdsa --dn 'CN=Lab authority' --outform pem >x509ca/ca.pem",
        _issued("device", SITE, DEVICE, ""),
        _issued("device-expired", SITE, EXPIRED, "--not-before '01.01.20 00:00:00' --not-after '01.01.21 00:00:00'"),
    ]
    commands += [
        _issued(tunnel.end("aws"), tunnel.outside, f"{tunnel.end('aws')}.pem", "") for tunnel in TUNNELS.values()
    ]
    namespaces.run("", "sh", "-ec", "\n".join(commands))


def _issued(key: str, name: str, file: str, more: str) -> str:
    made = f"[ -e private/{key}.pem ] || pki --gen --type ecdsa --size 256 --outform pem >private/{key}.pem"
    return f"{made}\n{_ISSUE} --in private/{key}.pem --dn 'CN={name}' --san {name} {more} >x509/{file}"


def load(namespaces: Namespaces, session: Any, tunnel: Tunnel) -> None:
    """Hand an endpoint the authority, and its own key."""
    session.load_cert({"type": "X509", "flag": "CA", "data": _read(namespaces, "x509ca/ca.pem")})
    session.load_key({"type": "any", "data": _read(namespaces, f"private/{tunnel.end('aws')}.pem")})


def authentication(namespaces: Namespaces, tunnel: Tunnel) -> Mapping[Side, Mapping[str, Any]]:
    """How an endpoint's connection authenticates itself and the site."""
    own = _read(namespaces, f"x509/{tunnel.end('aws')}.pem")
    return {
        "aws": {"auth": "pubkey", "id": tunnel.outside, "certs": [own]},
        "site": {"auth": "pubkey", "id": SITE},
    }


def _read(namespaces: Namespaces, file: str) -> str:
    return namespaces.outside(inside.ROOM / file).read_text()
