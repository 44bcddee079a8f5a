"""Reads an answer of the EC2 API quickly, and without its secrets.

botocore parses XML in C and then walks the tree in Python at some 60 microseconds a value, dates most of all. Here the
same shapes, from the same description of the API, are read in a fifth of that. The description (aws/models) lacks the
members that hold secrets, so they have no way into a value; their elements are cut from the bytes before any parser
sees them.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from botocore.model import ListShape, OperationModel, Shape, StructureShape
from botocore.utils import parse_timestamp

from aws_vpn_exporter.aws.errors import MalformedAnswerError

LARGEST = 64 * 1024 * 1024
"""Bytes of an answer that is read; 10,000 connections are about as much."""

MOST_TAGS = 2_500_000
"""Opening and closing tags of an answer that is read; those of 10,000 connections."""

_PIECE = 64 * 1024
"""Bytes that are given to the parser at a time."""

_SECRET = re.compile(rb"<(?:[\w.-]+:)?(customerGatewayConfiguration|preSharedKey)(?=[\s/>])", re.IGNORECASE)
_ENDS = {
    name: re.compile(rb"</(?:[\w.-]+:)?" + name + rb"\s*>", re.IGNORECASE)
    for name in (b"customergatewayconfiguration", b"presharedkey")
}

_Reader = Callable[[Element], Any]


def without_secrets(body: bytes) -> bytes:
    """The body without the elements that hold pre-shared keys, in time that grows with its length only.

    An element that never ends, because the answer is cut off inside it, is cut up to the end of the body.
    """
    kept, at = [], 0
    while found := _SECRET.search(body, at):
        kept.append(body[at : found.start()])
        opened = body.find(b">", found.end())
        if opened >= 0 and body[opened - 1 : opened] == b"/":
            at = opened + 1
            continue
        ended = _ENDS[found[1].lower()].search(body, found.end()) if opened >= 0 else None
        if ended is None:
            return b"".join(kept)
        at = ended.end()
    return b"".join((*kept, body[at:]))


def values(body: bytes, operation: OperationModel) -> dict[str, Any]:
    """The answer's values, in the form in which boto3 returns them. `body` is without secrets.

    Raises MalformedAnswerError where the body is not an answer of the operation.
    """
    if len(body) > LARGEST or body.count(b"<") > MOST_TAGS:
        raise MalformedAnswerError(f"an answer of {len(body)} bytes is larger than any that is read")
    if b"<!DOCTYPE" in body or b"\0" in body:
        raise MalformedAnswerError("the answer is not one of this API")  # it has neither entities nor other encodings
    try:
        return _values(body, operation)
    except (ParseError, ValueError, TypeError, OverflowError, RuntimeError, LookupError):
        # The parser's own words may hold a part of the body, so that they must go no further.
        raise MalformedAnswerError("the answer is not one of this API") from None


def _values(body: bytes, operation: OperationModel) -> dict[str, Any]:
    """Reads each item of a list as soon as it has ended and lets it go: a large answer is never held whole as XML."""
    read: dict[str, Any] = {}
    members: dict[str, _Member] = {}
    for around, element in _ended(body):
        if not members:
            members = _members(operation, (*around, element)[0].tag)
        member = members.get((*around, element)[1].tag) if around else None
        if member is None:
            continue
        if member.is_list:
            items = read.setdefault(member.name, [])
            if len(around) == 2:
                items.append(member.read(element))
                around[1].clear()
        elif len(around) == 1:
            read[member.name] = member.read(element)
    return read


def _ended(body: bytes) -> Iterator[tuple[Sequence[Element], Element]]:
    """Each element when it has ended, after those within it, with the elements around it, the outermost first."""
    parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
    around: list[Element] = []
    for start in range(0, len(body), _PIECE):
        parser.feed(body[start : start + _PIECE])
        for event, element in cast("Iterator[tuple[str, Element]]", parser.read_events()):
            if event == "start":
                around.append(element)
            else:
                around.pop()
                if len(around) < 3:
                    yield around, element
    parser.close()


class _Member(NamedTuple):
    """A member of the answer; `read` reads it, or one item of it where it is a list."""

    name: str
    read: _Reader
    is_list: bool


@lru_cache(maxsize=8)  # thousands of empty answers are read, each in less time than the readers take to make
def _members(operation: OperationModel, root: str) -> dict[str, _Member]:
    """The answer's members by tag. Raises ValueError where `root` is the tag of another answer."""
    namespace, _, name = root.rpartition("}")
    shape = operation.output_shape
    if name != f"{operation.name}Response" or not isinstance(shape, StructureShape):
        raise ValueError(name)
    namespace = namespace and namespace + "}"
    return {_tag(name, member, namespace): _member(name, member, namespace) for name, member in shape.members.items()}


def _member(name: str, shape: Shape, namespace: str) -> _Member:
    if isinstance(shape, ListShape):
        return _Member(name, _reader(shape.member, namespace), is_list=True)
    return _Member(name, _reader(shape, namespace), is_list=False)


def _reader(shape: Shape, namespace: str) -> _Reader:
    """What turns an element of the shape into its value; `namespace` is "" or as ElementTree writes it before a tag."""
    if isinstance(shape, StructureShape):
        return _structure_reader(shape, namespace)
    if isinstance(shape, ListShape):
        member = _reader(shape.member, namespace)
        return lambda element: [member(child) for child in element]
    return _SCALARS.get(shape.type_name, _text)


def _structure_reader(shape: StructureShape, namespace: str) -> _Reader:
    members = {
        _tag(name, member, namespace): (name, _reader(member, namespace)) for name, member in shape.members.items()
    }

    def read(element: Element) -> dict[str, Any]:
        known = ((members[child.tag], child) for child in element if child.tag in members)
        return {name: read_member(child) for (name, read_member), child in known}

    return read


def _tag(name: str, member: Shape, namespace: str) -> str:
    return namespace + str(member.serialization.get("name", name))


def _text(element: Element) -> str:
    return element.text or ""


def _timestamp(element: Element) -> datetime:
    text = _text(element)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = parse_timestamp(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


_SCALARS: dict[str, _Reader] = {
    "boolean": lambda element: _text(element) == "true",
    "integer": lambda element: int(_text(element)),
    "long": lambda element: int(_text(element)),
    "timestamp": _timestamp,
}
