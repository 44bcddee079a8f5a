"""What pydantic finds wrong with a document, as complaints in plain English: `file:line: key: what would be right`."""

import difflib
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from aws_vpn_exporter.config.strict_yaml import Location, dotted

_LONGEST_VALUE = 80
"""Characters of a wrong value that a complaint repeats."""

_MOST_COMPLAINTS = 50
_PLAIN_NAME = re.compile(r"[\w.@-]{1,64}", re.ASCII)

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
    """One line for each of the first errors; `name` is the file's name, `lines` the line of each location in it."""
    details = error.errors(include_url=False)
    told = list(islice((detail for detail in details if not _follows_from_another(detail, details)), _MOST_COMPLAINTS))
    below = _keys_below(lines) if told else {}
    for detail in told:
        location = _in_file(detail["loc"], lines, below)
        place = (f"{name}:{lines.get(location, 1)}", shown(location, schema), _wrong(detail, schema))
        yield ": ".join(part for part in place if part)
    if len(details) > _MOST_COMPLAINTS:
        yield f"{name}: there are {len(details)} errors; these are the first {_MOST_COMPLAINTS}"


def shown(location: Location, schema: type[BaseModel]) -> str:
    """The location as complaints name it; of a schema that hides its values, only keys that cannot hold one.

    Whoever writes `user:password` for `user: hash` has made a key of the password.
    """
    if not is_secret(schema):
        return dotted(location)
    if location and not difflib.get_close_matches(str(location[0]), schema.model_fields, 1):
        return ""
    return dotted(tuple(part if _PLAIN_NAME.fullmatch(str(part)) else "…" for part in location))


def _keys_below(lines: Mapping[Location, int]) -> Mapping[Location, list[Location]]:
    below: dict[Location, list[Location]] = {}
    for location in lines:
        if location:
            below.setdefault(location[:-1], []).append(location)
    return below


def is_secret(schema: type[BaseModel]) -> bool:
    """Whether no complaint may quote what a file of this schema holds."""
    return bool(schema.model_config.get("hide_input_in_errors", False))


def _follows_from_another(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """Whether this says only that a list is too short because one of its entries is wrong, which is an error itself."""
    location = detail["loc"]
    return detail["type"] == "too_short" and any(
        len(other["loc"]) > len(location) and other["loc"][: len(location)] == location for other in details
    )


def _in_file(location: Location, lines: Mapping[Location, int], below: Mapping[Location, list[Location]]) -> Location:
    """The location as the file spells it, without the names of union branches that pydantic inserts."""
    found: Location = ()
    for part in location:
        if (*found, part) in lines:
            found = (*found, part)
        elif isinstance(part, str):
            keys = below.get(found, ())
            found = next((key for key in keys if spelling(str(key[-1])) == spelling(part)), found)
    return found


def _wrong(detail: ErrorDetails, schema: type[BaseModel]) -> str:
    kind, context, value = detail["type"], detail.get("ctx", {}), detail["input"]
    if kind == "extra_forbidden":
        return _unknown_key(str(detail["loc"][-1])[:_LONGEST_VALUE], _known_keys(schema, detail["loc"][:-1]))
    if kind == "missing":
        return f"the key {detail['loc'][-1]} is missing"
    if kind == "value_error":
        return str(context["error"])
    wanted = _WANTED.get(kind) or detail["msg"].removeprefix("Input ")
    secret = is_secret(schema) or detail["loc"][-1:] == ("external_id",)
    quoted = isinstance(value, str) and len(value) <= _LONGEST_VALUE and not secret
    return f"{wanted}, not {value!r}" if quoted else wanted


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
