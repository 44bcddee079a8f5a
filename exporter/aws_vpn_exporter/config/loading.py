"""A YAML file to a value of a schema, or a ConfigError with every complaint."""

from functools import partial
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from aws_vpn_exporter.config.complaints import complaints, is_secret, shown
from aws_vpn_exporter.config.schema import Config
from aws_vpn_exporter.config.strict_yaml import ConfigError, dotted, parse

_LARGEST_FILE = 1024 * 1024
"""Bytes."""

Schema = TypeVar("Schema", bound=BaseModel)


def load(path: Path) -> Config:
    """The exporter's configuration in the file. Raises ConfigError."""
    return load_as(Config, path)


def read(raw: bytes, name: str) -> Config:
    """The exporter's configuration in the bytes of a file called `name`. Raises ConfigError."""
    return _validated(Config, raw, name)


def load_as(schema: type[Schema], path: Path) -> Schema:
    """The file as a value of the schema. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    if len(raw) > _LARGEST_FILE:
        raise ConfigError(f"{path}: is larger than 1 MiB; a configuration is far smaller")
    return _validated(schema, raw, str(path))


def _validated(schema: type[Schema], raw: bytes, name: str) -> Schema:
    document = parse(raw, name, partial(shown, schema=schema) if is_secret(schema) else dotted)
    try:
        return schema.model_validate({} if document.values is None else document.values)
    except ValidationError as error:
        raise ConfigError("\n".join(complaints(error, schema, name, document.lines))) from None
