"""Strict YAML: text to plain dicts, lists and strings, with the line number of each value.

Scalars stay text, and the schema gives them their type: an account id keeps its leading zero, and the region `no` does
not become a boolean. Duplicate keys, aliases and keys without a value are errors.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml

Location = tuple[str | int, ...]
"""The keys and list positions that lead from the top of the document to a value."""


class ConfigError(Exception):
    """A configuration that cannot be used. Each line of the message is a complaint: `file:line: key: what is wrong`."""


class Document(NamedTuple):
    """The values of a YAML document, and the line, counted from 1, of each value or of its key."""

    values: Any
    lines: Mapping[Location, int]


def parse(raw: bytes, name: str) -> Document:
    """The document in the bytes of a file called `name`; an empty one has the value None. Raises ConfigError."""
    lines: dict[Location, int] = {}
    try:
        node = _Loader(raw).get_single_node()
        return Document(_plain(node, (), lines) if node else None, lines)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError(f"{name}:{line}: {problem}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: is not YAML text: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise ConfigError(f"{name}: is nested too deeply to be a configuration") from None


def dotted(location: Location) -> str:
    """The location as users write it: `policies[0].match.ids`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")


class _Loader(yaml.SafeLoader):
    """Composes nodes and refuses aliases: a small file of nested aliases can expand to gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem="aliases (*name) are not supported; write the value out", problem_mark=mark
            )
        return super().compose_node(parent, index)


def _plain(node: yaml.Node, location: Location, lines: dict[Location, int]) -> Any:
    """The node as dicts, lists and text; adds the line of each value to `lines`."""
    lines[location] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*location, index), lines) for index, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return dict(_pairs(node, location, lines))
    if node.tag == "tag:yaml.org,2002:null" and location:
        otherwise = "remove the entry" if isinstance(location[-1], int) else "leave the key out"
        problem = f"{dotted(location)}: has no value; give it one or {otherwise}"
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
    return node.value


def _pairs(node: yaml.MappingNode, location: Location, lines: dict[Location, int]) -> Iterator[tuple[str, Any]]:
    seen: set[str] = set()
    for key_node, value_node in node.value:
        key = key_node.value
        if not isinstance(key, str):
            raise yaml.MarkedYAMLError(problem="a key should be a word", problem_mark=key_node.start_mark)
        if key in seen:
            problem = f"{dotted((*location, key))}: duplicate key; keep one"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
        seen.add(key)
        value = _plain(value_node, (*location, key), lines)
        lines[(*location, key)] = key_node.start_mark.line + 1
        yield key, value
