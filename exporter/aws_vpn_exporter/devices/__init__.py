"""Reads the configuration files of customer gateways and compares them with AWS's tunnel options.

A vendor is one module with a `Reader`; adding one is adding the module and its line in READERS.
"""

from pathlib import Path

from aws_vpn_exporter.devices import ios, swanctl
from aws_vpn_exporter.devices.comparison import Row, Verdict, compare
from aws_vpn_exporter.devices.settings import DeviceError, DeviceSettings, Gap, Peer, Reader, Stated

__all__ = [
    "READERS",
    "DeviceError",
    "DeviceSettings",
    "Gap",
    "Peer",
    "Row",
    "Stated",
    "Verdict",
    "compare",
    "read",
    "read_file",
]

READERS: tuple[Reader, ...] = (swanctl.READER, ios.READER)
"""The formats that are known; the first that recognises a text reads it."""

_LARGEST = 1024 * 1024
"""Characters of a file that is read; a device's configuration is far smaller."""


def read(text: str) -> DeviceSettings:
    """What the file says. Raises DeviceError where no reader knows the format."""
    if len(text) > _LARGEST:
        raise DeviceError("the file is larger than 1 MiB; a device's configuration is far smaller")
    for reader in READERS:
        if reader.recognises(text):
            return reader.read(text)
    known = " or ".join(reader.title for reader in READERS)
    raise DeviceError(f"the file's format is not known; it should be {known}")


def read_file(path: Path) -> DeviceSettings:
    """What the file at the path says. Raises DeviceError, which names the path."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return read(file.read(_LARGEST + 1))
    except OSError as error:
        raise DeviceError(f"{path}: cannot be read: {error.strerror}") from None
    except DeviceError as error:
        raise DeviceError(f"{path}: {error}") from None
