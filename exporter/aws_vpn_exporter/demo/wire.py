"""Reads requests and writes answers in the protocols of the AWS services.

Element names come from botocore's service models, so the answer of any operation that botocore knows can be written.
There are three protocols: EC2's own, the query protocol, which STS uses, and JSON, which CloudWatch Logs uses.
CloudWatch answers in the protocol of the request: JSON, or the query protocol for older callers. (It also has CBOR,
which botocore does not prefer so far.)
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

# XML 1.0 cannot contain these characters, not even as references: a parser would reject the whole answer.
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>\n'


def answer(service: str, operation: str, values: Mapping[str, object], request_id: str) -> bytes:
    """Write the answer of a successful call as XML.

    `values` has the shape that boto3 returns. Timestamps are datetimes or ISO 8601 strings. A member that is None
    is left out, and so is `ResponseMetadata`, which boto3 adds. A member that botocore's model does not know is
    written under the most probable name in its protocol, because a recorded answer may be newer than the model.

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
    """Write an error answer as XML."""
    reason = f"<Code>{_text(code)}</Code><Message>{_text(message)}</Message>"
    if service == "ec2":
        return _document(
            f"<Response><Errors><Error>{reason}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        )
    return _document(
        f"<ErrorResponse><Error><Type>Sender</Type>{reason}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )


def json_answer(values: Mapping[str, object]) -> bytes:
    """Write the answer of a successful call as JSON. A member that is None is left out."""
    return json.dumps({name: value for name, value in values.items() if value is not None}, default=_epoch).encode()


def json_error(code: str, message: str) -> bytes:
    """Write an error answer as JSON."""
    return json.dumps({"__type": code, "message": message}).encode()


def nested(form: Mapping[str, str]) -> Any:
    """Read a form of the query protocol into dicts and lists: the field A.member.1.B is {"A": [{"B": ...}]}."""
    return _with_lists(_tree(form))


def ec2_parameters(operation: str, form: Mapping[str, str]) -> Mapping[str, Any]:
    """Read a form of the EC2 protocol into the parameters that boto3 was called with.

    Fields that botocore's model of the operation does not have are ignored. Raises botocore's OperationNotFoundError,
    and ValueError where a number is expected and the form has none.
    """
    shape = operation_model("ec2", operation).input_shape
    return {} if shape is None else _typed(_tree(form), shape)


def _tree(form: Mapping[str, str]) -> dict[str, Any]:
    """Split the names of fields at their dots: A.1.B=c is {"A": {"1": {"B": "c"}}}."""
    tree: dict[str, Any] = {}
    for field, value in form.items():
        *path, last = field.split(".")
        branch = tree
        for part in path:
            branch = branch.setdefault(part, {})
        branch[last] = value
    return tree


def _typed(value: Any, shape: Any) -> Any:
    if shape.type_name == "structure":
        names = {_ec2_field(name, member): name for name, member in shape.members.items()}
        return {
            names[field]: _typed(item, shape.members[names[field]]) for field, item in value.items() if field in names
        }
    if shape.type_name == "list":
        return [_typed(value[number], shape.member) for number in sorted(value, key=int)]
    if shape.type_name == "boolean":
        return value == "true"
    return int(value) if shape.type_name in ("integer", "long") else value


def _ec2_field(name: str, shape: Shape) -> str:
    """Name a parameter as botocore's EC2 serializer does: the name in the model, with a capital first letter."""
    wire_name = str(shape.serialization.get("name", name))
    return wire_name[:1].upper() + wire_name[1:]


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
    """Load what botocore knows about one operation's parameters and answer.

    The whole EC2 model takes some 25 MB, and the demo shares its process with the exporter. Therefore only the shapes
    of this operation are kept, and the loader is dropped with its cache: the exporter's client then loads its model
    into the memory that has become free.
    """
    model = Loader().load_service_model(service, "service-2")
    ServiceModel(model).operation_model(operation)  # raises botocore's error for an unknown operation
    full = model["operations"][operation]
    described = {key: full[key] for key in ("name", "input", "output") if key in full}
    pruned = {
        "metadata": model["metadata"],
        "operations": {operation: described},
        "shapes": {name: model["shapes"][name] for name in _reachable(described, model["shapes"])},
    }
    return ServiceModel(pruned, service).operation_model(operation)


def _reachable(described: object, shapes: Mapping[str, object]) -> set[str]:
    """Return the names of all shapes that a piece of a service model refers to, directly or indirectly."""
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
    """Guess the element name of a member: in EC2, FooBar becomes fooBar, or fooBarSet if it is a list."""
    name = re.sub(r"\W", "_", name, flags=re.ASCII)
    if not is_ec2:
        return name
    return name[:1].lower() + name[1:] + ("Set" if isinstance(value, list | tuple) else "")


def _element(name: str, value: object, shape: Shape | None, is_ec2: bool) -> str:
    """Write one element. Its form follows the value, and only names come from the shape: a wrong type is no error."""
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
            pass  # a test may want to send text that is no timestamp
    return str(value)


def _timestamp(moment: datetime) -> str:
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _text(value: str) -> str:
    # An XML parser turns a carriage return that is not escaped into a line feed.
    return escape(_NOT_IN_XML.sub("\ufffd", value), {"\r": "&#13;"})
