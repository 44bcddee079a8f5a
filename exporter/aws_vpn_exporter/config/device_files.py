"""The customer gateways' own configuration files that policies name by `device_file`."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from aws_vpn_exporter import devices
from aws_vpn_exporter.config.strict_yaml import ConfigError
from aws_vpn_exporter.devices import DeviceError, DeviceSettings
from aws_vpn_exporter.options import OptionValues

_MOST_GAPS = 200


def options_by_address(device_file: Path | None, config_file: Path | None) -> Mapping[str, OptionValues]:
    """By a tunnel's outside address, the options that the device's file sets for it. Raises ConfigError.

    A relative path of the device's file starts from the folder of the configuration file.
    """
    if device_file is None:
        return {}
    device = _read(device_file, config_file)
    return {address: peer.options for address, peer in device.by_address().items()}


def gaps(device_file: Path, config_file: Path | None) -> Iterator[str]:
    """What could not be read in the device's file. Raises ConfigError."""
    device = _read(device_file, config_file)
    of_peers = (gap for peer in device.by_address().values() for gap in peer.gaps)
    for gap in islice(dict.fromkeys((*device.gaps, *of_peers)), _MOST_GAPS):
        yield f"{device_file}: could not be read: {gap}"


def _read(device_file: Path, config_file: Path | None) -> DeviceSettings:
    try:
        return devices.read_file(config_file.parent / device_file if config_file else device_file)
    except DeviceError as error:
        raise ConfigError(str(error)) from None
