"""The customer gateways' own configuration files that policies name by `device_file`."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from aws_vpn_exporter import devices
from aws_vpn_exporter.config.strict_yaml import ConfigError
from aws_vpn_exporter.devices import DeviceError, DeviceSettings
from aws_vpn_exporter.options import OptionValues


def options_by_address(device_file: Path | None, config_file: Path | None) -> Mapping[str, OptionValues]:
    """By a tunnel's outside address, the options that the device's file sets for it. Raises ConfigError.

    A relative path of the device's file starts from the folder of the configuration file.
    """
    if device_file is None:
        return {}
    device = _read(device_file, config_file)
    options: dict[str, OptionValues] = {}
    for peer in device.peers:
        for address in peer.addresses:
            options.setdefault(address, peer.options)  # as for DeviceSettings.peer, the first one counts
    return options


def gaps(device_file: Path, config_file: Path | None) -> Iterator[str]:
    """What could not be read in the device's file. Raises ConfigError."""
    device = _read(device_file, config_file)
    for gap in (*device.gaps, *(gap for peer in device.peers for gap in peer.gaps)):
        yield f"{device_file}: could not be read: {gap}"


def _read(device_file: Path, config_file: Path | None) -> DeviceSettings:
    try:
        return devices.read_file(config_file.parent / device_file if config_file else device_file)
    except DeviceError as error:
        raise ConfigError(str(error)) from None
