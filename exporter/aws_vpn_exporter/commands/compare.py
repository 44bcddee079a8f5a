"""`compare`: a customer gateway's configuration file beside AWS's tunnel options."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from aws_vpn_exporter import devices
from aws_vpn_exporter.commands.ask_once import (
    ALL_WELL,
    NO_ANSWER,
    NOT_WELL,
    TIMEOUT,
    ask_once,
    connections_and_targets,
    saw_everything,
    unseen,
)
from aws_vpn_exporter.devices import DeviceSettings, Peer, Row, Verdict
from aws_vpn_exporter.model import Connection
from aws_vpn_exporter.options import text

_ADDRESSES_SHOWN = 10

Compared: TypeAlias = tuple[str, Peer | None, tuple[Row, ...]]
"""A tunnel's outside address, its peer in the file, and its options on both sides."""


def compare(
    config_file: Path | None, device: Path, vpn_connection_id: str, timeout: float = TIMEOUT, output: str = "text"
) -> int:
    """Prints each option of each tunnel on both sides as `output`, text or json.

    `device` is the customer gateway's file. AWS has `timeout` seconds to answer. Returns ALL_WELL, NOT_WELL where an
    option differs in a way that can hurt, or NO_ANSWER where the file has no peer in force for a tunnel, or where the
    target or an optional source that is on does not answer. Raises ConfigError, CannotStartError or DeviceError.
    """
    settings = devices.read_file(device, pipes=True)
    exporter = ask_once(config_file, timeout)
    cards, targets = connections_and_targets(exporter, vpn_connection_id)
    not_seen = list(unseen(targets))
    connection = cards[0].connection
    compared = [
        (tunnel.outside_ip, peer, devices.compare(peer, connection, tunnel, exporter.settings) if peer else ())
        for tunnel in connection.tunnels
        for peer in [settings.peer(tunnel.outside_ip)]
    ]
    written = _as_json if output == "json" else _as_text
    print(written(connection, settings, compared, not_seen))
    if not all(peer for _, peer, _ in compared) or not saw_everything(targets):
        return NO_ANSWER
    differs = any(row.verdict is Verdict.DIFFERS for _, _, rows in compared for row in rows)
    return NOT_WELL if differs else ALL_WELL


def _as_text(connection: Connection, settings: DeviceSettings, compared: list[Compared], not_seen: list[str]) -> str:
    lines = [*not_seen, f"{connection.name or connection.id} compared with a {settings.format} configuration"]
    lines += [f"  of the whole file: {gap}" for gap in settings.gaps]
    for tunnel_ip, peer, rows in compared:
        lines.append(f"\n{tunnel_ip}:")
        if peer is None:
            lines.append(f"  the file has no peer at this address (it has: {_has(settings)})")
        else:
            lines += _lines(rows, peer)
    return "\n".join(lines)


def _as_json(connection: Connection, settings: DeviceSettings, compared: list[Compared], not_seen: list[str]) -> str:
    return json.dumps(
        {
            "vpn_connection_id": connection.id,
            "name": connection.name,
            "format": settings.format,
            "not_read": list(settings.gaps),
            "not_seen": not_seen,
            "tunnels": [
                {
                    "tunnel_ip": tunnel_ip,
                    "peer_found": peer is not None,
                    "options": [
                        {
                            "option": row.sides.option.key,
                            "verdict": row.verdict,
                            "aws": text(row.sides.at_aws),
                            "device": row.sides.at_gateway_text,
                            "note": row.note,
                        }
                        for row in rows
                    ],
                    "not_read": list(peer.gaps) if peer else [],
                }
                for tunnel_ip, peer, rows in compared
            ],
        },
        indent=2,
        ensure_ascii=False,
    )


def _has(settings: DeviceSettings) -> str:
    addresses = list(dict.fromkeys(address for peer in settings.peers for address in peer.addresses))
    more = f" and {len(addresses) - _ADDRESSES_SHOWN} more" if len(addresses) > _ADDRESSES_SHOWN else ""
    return (", ".join(islice(addresses, _ADDRESSES_SHOWN)) or "none") + more


def _lines(rows: tuple[Row, ...], peer: Peer) -> Iterator[str]:
    for row in rows:
        sides = row.sides
        values = f"AWS {text(sides.at_aws) or 'none'}, device {sides.at_gateway_text or 'not stated'}"
        note = f"  ({row.note})" if row.note else ""
        yield f"  {row.verdict.replace('_', ' '):10}  {sides.option.key}: {values}{note}"
    yield from (f"  could not be read: {gap}" for gap in peer.gaps)
