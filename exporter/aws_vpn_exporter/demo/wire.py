"""Writes answers as the AWS services put them on the wire.

The element names come from botocore's own service models, so every operation of a query service that botocore
can parse can be written. Three forms exist: the EC2 protocol, the plain query protocol, which STS speaks, and JSON,
which CloudWatch Logs speaks. CloudWatch answers in the form that it is asked in: JSON, and the plain query protocol to
older callers. (It speaks CBOR too, which no botocore has preferred so far.)
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape

# XML 1.0 has no way to write these, not even as references: a parser would refuse the whole answer.
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>\n'


def answer(service: str, operation: str, values: Mapping[str, object], request_id: str) -> bytes:
    """Write one good answer as XML.

    `values` has the shape that boto3 returns; timestamps are datetimes or ISO 8601 strings; a member that is
    None is left out; `ResponseMetadata` is ignored, as it describes an answer and is no part of it. A member
    that botocore's model does not know yet is written under the name that its protocol would most probably
    give it, because an answer recorded today may be newer than the installed model.

    Raises botocore's UnknownServiceError or OperationNotFoundError.
    """
    model = operation_model(service, operation)
    members = {name: value for name, value in values.items() if name != "ResponseMetadata"}
    content = "".join(_members(members, model.output_shape, _is_ec2(model)))
    namespace = str(model.service_model.metadata["xmlNamespace"]).rstrip("/")
    if _is_ec2(model):
        content = f"<requestId>{request_id}</requestId>{content}"
    else:
        content = (
            f"<{operation}Result>{content}</{operation}Result>"
            f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        )
    return _document(f'<{operation}Response xmlns="{namespace}/">{content}</{operation}Response>')


def error(service: str, code: str, message: str, request_id: str) -> bytes:
    """Write one refusal as XML."""
    reason = f"<Code>{_text(code)}</Code><Message>{_text(message)}</Message>"
    if service == "ec2":
        return _document(
            f"<Response><Errors><Error>{reason}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        )
    return _document(
        f"<ErrorResponse><Error><Type>Sender</Type>{reason}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )


def json_answer(values: Mapping[str, object]) -> bytes:
    """Write one good answer as JSON; a member that is None is left out."""
    return json.dumps({name: value for name, value in values.items() if value is not None}, default=_epoch).encode()


def json_error(code: str, message: str) -> bytes:
    """Write one refusal as JSON."""
    return json.dumps({"__type": code, "message": message}).encode()


def nested(form: Mapping[str, str]) -> Any:
    """Read the fields of a plain query form, such as A.member.1.B, into the structure that they stand for."""
    tree: dict[str, Any] = {}
    for field, value in form.items():
        *path, last = field.split(".")
        branch = tree
        for part in path:
            branch = branch.setdefault(part, {})
        branch[last] = value
    return _with_lists(tree)


def _with_lists(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    if set(tree) == {"member"}:
        return [_with_lists(tree["member"][number]) for number in sorted(tree["member"], key=int)]
    return {name: _with_lists(branch) for name, branch in tree.items()}


def _epoch(value: object) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"JSON has no form for {type(value).__name__}")


@cache
def operation_model(service: str, operation: str) -> OperationModel:
    """Load what botocore knows about one operation's answer.

    The EC2 model costs some 25 MB, and the demo shares its process with the exporter: so only the shapes that
    this answer needs are kept, and the loader with its own cache is thrown away. The exporter's client then loads
    into the memory that this set free.
    """
    model = Loader().load_service_model(service, "service-2")
    ServiceModel(model).operation_model(operation)  # refuses an unknown name in botocore's own words
    full = model["operations"][operation]
    described = {key: full[key] for key in ("name", "output") if key in full}
    pruned = {
        "metadata": model["metadata"],
        "operations": {operation: described},
        "shapes": {name: model["shapes"][name] for name in _reachable(described, model["shapes"])},
    }
    return ServiceModel(pruned, service).operation_model(operation)


def _reachable(described: object, shapes: Mapping[str, object]) -> set[str]:
    """Name all shapes that a piece of a service model refers to, directly or not."""
    found: set[str] = set()
    waiting = [described]
    while waiting:
        piece = waiting.pop()
        if isinstance(piece, dict):
            waiting.extend(piece.values())
            name = piece.get("shape")
            if isinstance(name, str) and name not in found:
                found.add(name)
                waiting.append(shapes[name])
    return found


def _is_ec2(model: OperationModel) -> bool:
    return str(model.service_model.metadata["protocol"]) == "ec2"


def _document(root: str) -> bytes:
    return (_PROLOGUE + root).encode()


def _members(values: Mapping[str, object], shape: Shape | None, is_ec2: bool) -> Iterator[str]:
    known: Mapping[str, Shape] = getattr(shape, "members", {})
    for name, value in values.items():
        member = known.get(name)
        wire_name = _guessed_name(name, value, is_ec2)
        if member is not None:
            wire_name = str(member.serialization.get("name", name))
        yield _element(wire_name, value, member, is_ec2)


def _guessed_name(name: str, value: object, is_ec2: bool) -> str:
    """Name a member as its protocol would: FooBar is fooBar in EC2, or fooBarSet when it is a list."""
    name = re.sub(r"\W", "_", name, flags=re.ASCII)
    if not is_ec2:
        return name
    return name[:1].lower() + name[1:] + ("Set" if isinstance(value, list | tuple) else "")


def _element(name: str, value: object, shape: Shape | None, is_ec2: bool) -> str:
    """Write one element. The value decides its form and the shape only the names, so that nothing fails."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        content = "".join(_members(value, shape, is_ec2))
    elif isinstance(value, list | tuple):
        content = "".join(_items(value, shape, is_ec2))
    else:
        content = _text(_scalar(value, shape))
    return f"<{name}>{content}</{name}>"


def _items(values: Iterable[object], shape: Shape | None, is_ec2: bool) -> Iterator[str]:
    member: Shape | None = getattr(shape, "member", None)
    name = "item" if is_ec2 else "member"
    if member is not None:
        name = str(member.serialization.get("name", name))
    for value in values:
        yield _element(name, value, member, is_ec2)


def _scalar(value: object, shape: Shape | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return _timestamp(value)
    if shape is not None and shape.type_name == "timestamp":
        try:
            return _timestamp(datetime.fromisoformat(str(value)))
        except ValueError:
            pass  # a test may well send a timestamp that is none
    return str(value)


def _timestamp(moment: datetime) -> str:
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _text(value: str) -> str:
    # A bare carriage return would come out of any XML parser as a line feed.
    return escape(_NOT_IN_XML.sub("\ufffd", value), {"\r": "&#13;"})
