"""Reads the configuration files of customer gateways and compares them with AWS's tunnel options.

A vendor is one module with a `Reader`; adding one is adding the module and its line in READERS.
"""

from pathlib import Path

from aws_vpn_exporter.devices import asa, fortigate, ios, ipsec_conf, swanctl, vyos
from aws_vpn_exporter.devices.comparison import Row, Verdict, compare
from aws_vpn_exporter.devices.refusals import refusal
from aws_vpn_exporter.devices.settings import DeviceSettings, Gap, Peer, Reader, Stated
from aws_vpn_exporter.devices.source import LARGEST, DeviceError, Source, read_text, source

__all__ = [
    "READERS",
    "DeviceError",
    "DeviceSettings",
    "Gap",
    "Peer",
    "Reader",
    "Row",
    "Stated",
    "Verdict",
    "compare",
    "read",
    "read_file",
]

READERS: tuple[Reader, ...] = (
    vyos.READER,
    fortigate.READER,
    swanctl.READER,
    ipsec_conf.READER,
    asa.READER,
    ios.READER,
)
"""The formats that are known; the first that recognises a text reads it. ASA stands before IOS, which looks like it."""


def read(text: str) -> DeviceSettings:
    """What the text says, without following includes. Raises DeviceError where no reader knows the format."""
    return _read(source(text))


def read_file(path: Path, *, pipes: bool = False) -> DeviceSettings:
    """What the file at the path says, with those that it includes. Raises DeviceError, which names the path.

    `pipes` allows a pipe, for a person who compares what another command prints.
    """
    try:
        return _read(source(read_text(path, pipes=pipes), path))
    except OSError as error:
        raise DeviceError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise DeviceError(f"{path!r}: is not the path of a file") from None
    except DeviceError as error:
        raise DeviceError(f"{path}: {error}") from None


def _read(found: Source) -> DeviceSettings:
    text = found.text
    if len(text) > LARGEST:
        raise DeviceError("the file is larger than 1 MiB; a device's configuration is far smaller")
    for reader in READERS:
        if reader.recognises(text):
            return reader.read(found)
    raise DeviceError(refusal(found, [reader.title for reader in READERS]))
