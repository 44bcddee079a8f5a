"""`compare`: a customer gateway's configuration file beside AWS's tunnel options."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from aws_vpn_exporter import devices
from aws_vpn_exporter.commands.ask_once import (
    ALL_WELL,
    NO_ANSWER,
    NOT_WELL,
    TIMEOUT,
    ask_once,
    connections_and_targets,
)
from aws_vpn_exporter.devices import DeviceSettings, Peer, Row, Verdict
from aws_vpn_exporter.options import text

_ADDRESSES_SHOWN = 10


def compare(config_file: Path | None, device: Path, vpn_connection_id: str, timeout: float = TIMEOUT) -> int:
    """Prints each option of each tunnel on both sides; `device` is the customer gateway's file.

    AWS has `timeout` seconds to answer. Returns ALL_WELL, NOT_WELL where an option differs in a way that can hurt, or
    NO_ANSWER where the file has no peer in force for a tunnel. Raises ConfigError, CannotStartError or DeviceError.
    """
    settings = devices.read_file(device, pipes=True)
    exporter = ask_once(config_file, timeout)
    cards, _ = connections_and_targets(exporter, vpn_connection_id)
    connection = cards[0].connection
    print(f"{connection.name or connection.id} compared with a {settings.format} configuration")
    for gap in settings.gaps:
        print(f"  of the whole file: {gap}")
    code = ALL_WELL
    for tunnel in connection.tunnels:
        print(f"\n{tunnel.outside_ip}:")
        peer = settings.peer(tunnel.outside_ip)
        if peer is None:
            print(f"  the file has no peer at this address (it has: {_has(settings)})")
            code = NO_ANSWER
            continue
        rows = devices.compare(peer, connection, tunnel, exporter.settings)
        if any(row.verdict is Verdict.DIFFERS for row in rows):
            code = max(code, NOT_WELL)
        print("\n".join(_lines(rows, peer)))
    return code


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
