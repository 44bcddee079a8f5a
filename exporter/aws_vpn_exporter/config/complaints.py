"""What pydantic finds wrong with a document, as complaints in plain English: `file:line: key: what would be right`."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from aws_vpn_exporter.config.strict_yaml import Location, dotted

_LONGEST_VALUE = 80
"""Characters of a wrong value that a complaint repeats."""

_WANTED = {
    "dict_type": "should be a block of keys",
    "float_parsing": "should be a number",
    "int_parsing": "should be a whole number",
    "model_type": "should be a block of keys",
    "string_type": "should be text",
    "too_short": "should have at least one entry",
    "tuple_type": "should be a list",
}
"""By pydantic's type of error, the words for errors that pydantic describes by Python's types."""


def spelling(key: str) -> str:
    """The key without case and underscores: AWS's Phase1LifetimeSeconds is also written phase1_lifetime_seconds."""
    return key.replace("_", "").lower()


def complaints(
    error: ValidationError, schema: type[BaseModel], name: str, lines: Mapping[Location, int]
) -> Iterator[str]:
    """One line for each error; `name` is the file's name and `lines` gives the line of each location in it."""
    details = error.errors()
    for detail in details:
        if _follows_from_another(detail, details):
            continue
        location = _in_file(detail["loc"], lines)
        place = (f"{name}:{lines.get(location, 1)}", dotted(location), _wrong(detail, schema))
        yield ": ".join(part for part in place if part)


def _follows_from_another(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """Whether this says only that a list is too short because one of its entries is wrong, which is an error itself."""
    location = detail["loc"]
    return detail["type"] == "too_short" and any(
        len(other["loc"]) > len(location) and other["loc"][: len(location)] == location for other in details
    )


def _in_file(location: Location, lines: Mapping[Location, int]) -> Location:
    """The location as the file spells it, without the names of union branches that pydantic inserts."""
    found: Location = ()
    for part in location:
        if (*found, part) in lines:
            found = (*found, part)
        elif isinstance(part, str):
            below = (known for known in lines if known[:-1] == found and known)
            found = next((k for k in below if spelling(str(k[-1])) == spelling(part)), found)
    return found


def _wrong(detail: ErrorDetails, schema: type[BaseModel]) -> str:
    kind, context, value = detail["type"], detail.get("ctx", {}), detail["input"]
    if kind == "extra_forbidden":
        return _unknown_key(str(detail["loc"][-1]), _known_keys(schema, detail["loc"][:-1]))
    if kind == "missing":
        return f"the key {detail['loc'][-1]} is missing"
    if kind == "value_error":
        return str(context["error"])
    wanted = _WANTED.get(kind) or detail["msg"].removeprefix("Input ")
    secret = schema.model_config.get("hide_input_in_errors", False)
    shown = isinstance(value, str) and len(value) <= _LONGEST_VALUE and not secret
    return f"{wanted}, not {value!r}" if shown else wanted


def _unknown_key(key: str, known: list[str]) -> str:
    similar = difflib.get_close_matches(key, known, 1)
    return f"unknown key; did you mean {similar[0]}?" if similar else f"unknown key; known here: {', '.join(known)}"


def _known_keys(schema: type[BaseModel], location: Location) -> list[str]:
    """The keys of the block at the location."""
    for part in location:
        field = schema.model_fields.get(str(part))
        schema = (_block_in(field.annotation) if field else None) or schema
    return list(schema.model_fields)


def _block_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((block for block in map(_block_in, get_args(annotation)) if block), None)
