"""Strict YAML: text to plain dicts, lists and strings, with the line number of each value.

Scalars stay text, and the schema gives them their type: an account id keeps its leading zero, and the region `no` does
not become a boolean. Duplicate keys, aliases and keys without a value are errors.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import yaml

Location = tuple[str | int, ...]
"""The keys and list positions that lead from the top of the document to a value."""


_Event: TypeAlias = Any
"""An event of PyYAML's parser: its types do not say that every event there has a mark."""


class ConfigError(Exception):
    """A configuration that cannot be used. Each line of the message is a complaint: `file:line: key: what is wrong`."""


class Document(NamedTuple):
    """The values of a YAML document, and the line, counted from 1, of each value or of its key."""

    values: Any
    lines: Mapping[Location, int]


def dotted(location: Location) -> str:
    """The location as users write it: `policies[0].match.ids`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")


def parse(raw: bytes, name: str, shown: Callable[[Location], str] = dotted) -> Document:
    """The document in the bytes of a file called `name`; an empty one has the value None. Raises ConfigError.

    `shown` says how errors name a location, for a file whose errors must not quote it.
    """
    try:
        return _document(raw, shown)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError(f"{name}:{line}: {problem}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: is not YAML text: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise ConfigError(f"{name}: is nested too deeply to be a configuration") from None


def _document(raw: bytes, shown: Callable[[Location], str]) -> Document:
    try:
        return _Reader(_Events(raw).get_event, shown).document()
    except yaml.YAMLError:
        if len(raw) > _EXPLAINED or shown is not dotted:
            raise
        # PyYAML's own parser says more about what is wrong; it quotes the text, which a secret file's must not be.
        return _Reader(yaml.SafeLoader(raw).get_event, shown).document()


_Events = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
"""libyaml is ten times faster, which a file of a mebibyte needs; PyYAML's wheels bring it."""

_EXPLAINED = 64 * 1024
"""Bytes of a file whose errors the slow parser explains."""

_UNNAMED = ":"
"""In place of a key that an error must not quote."""

_NULL = "tag:yaml.org,2002:null"
_WORDS_FOR_NULL = ("", "~", "null", "Null", "NULL")


class _Reader:
    """Makes plain values of the parser's events, and refuses aliases: nested ones expand to gigabytes."""

    def __init__(self, next_event: Callable[[], _Event], shown: Callable[[Location], str]) -> None:
        self._next = next_event
        self._shown = shown
        self._lines: dict[Location, int] = {}

    def document(self) -> Document:
        """The only document of the stream. Raises MarkedYAMLError and RecursionError."""
        self._next()  # the start of the stream
        if isinstance(self._next(), yaml.StreamEndEvent):
            return Document(None, {})
        first = self._next()
        values = None if _is_null(first) else self._plain(first, ())
        self._next()  # the end of the document
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            raise _problem("expected a single document in the stream but found another document", after)
        return Document(values, self._lines)

    def _plain(self, event: _Event, location: Location) -> Any:
        """The value that begins with the event, as dicts, lists and text."""
        self._lines[location] = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise _problem("aliases (*name) are not supported; write the value out", event)
        if isinstance(event, yaml.SequenceStartEvent):
            return [
                self._plain(item, (*location, index)) for index, item in enumerate(self._until(yaml.SequenceEndEvent))
            ]
        if isinstance(event, yaml.MappingStartEvent):
            return dict(self._pairs(location))
        if _is_null(event):
            otherwise = "remove the entry" if isinstance(location[-1], int) else "leave the key out"
            # In a file of secrets, a key without a value may be a password without a user.
            named = location if self._shown is dotted else (*location[:-1], _UNNAMED)
            raise _problem(f"has no value; give it one or {otherwise}", event, self._shown(named))
        return event.value

    def _pairs(self, location: Location) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        event: _Event
        for event in self._until(yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            if not isinstance(event, yaml.ScalarEvent):
                raise _problem("a key should be a word", event)
            key = event.value
            if key in seen:
                raise _problem("duplicate key; keep one", event, self._shown((*location, key)))
            seen.add(key)
            value = self._plain(self._next(), (*location, key))
            self._lines[(*location, key)] = line
            yield key, value

    def _until(self, end: type[_Event]) -> Iterator[_Event]:
        event: _Event
        while not isinstance(event := self._next(), end):
            yield event


def _is_null(event: _Event) -> bool:
    return isinstance(event, yaml.ScalarEvent) and (
        event.tag == _NULL or (event.implicit[0] and event.value in _WORDS_FOR_NULL)
    )


def _problem(words: str, event: _Event, where: str = "") -> yaml.MarkedYAMLError:
    problem = ": ".join(part for part in (where, words) if part)
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
