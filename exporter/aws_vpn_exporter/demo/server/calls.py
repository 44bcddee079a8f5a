"""A call to the API and the response to it: read from HTTP requests, and written as each service's protocol wants."""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from .. import wire
from ..faults import Refusal

JSON_TYPE = "application/x-amz-json-1.1"
XML_SERVICES = frozenset({"ec2", "sts"})
"""The services that are always answered in XML."""

_SIGNATURE_SCOPE = re.compile(r"Credential=[^/,]+/\d{8}/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request")
_NAME_BY_SIGNING_NAME = {"monitoring": "cloudwatch"}
_JSON_OR_QUERY = frozenset({"cloudwatch"})
"""The services that accept JSON and, from older callers, forms of the query protocol."""


@dataclass(frozen=True)
class Call:
    """One API call.

    `service` and `region` come from the scope of the request's signature. `parameters` are the fields of the JSON
    document, if `json`, or of the form.
    """

    service: str
    region: str
    operation: str
    parameters: Mapping[str, Any]
    json: bool = False


Operation = Callable[[Call], Mapping[str, object]]
"""Answers calls of one operation, as boto3 returns it. Raises RefusedError."""

Operations = Mapping[tuple[str, str], Operation]
"""The operations that are answered, by service and name."""


@dataclass(frozen=True)
class Response:
    """An HTTP response. Content-Length and Date are added when it is sent."""

    status: int
    body: bytes
    content_type: str = "text/xml;charset=UTF-8"
    headers: Mapping[str, str] = field(default_factory=dict)


def read_call(authorization: str, target: str | None, body: str) -> Call | None:
    """Read a call from the headers Authorization and X-Amz-Target and the body; None if it is not signed.

    The operation is in the header X-Amz-Target where the body is JSON, and in the field Action of a form otherwise.
    """
    scope = _SIGNATURE_SCOPE.search(authorization)
    if scope is None:
        return None
    service = _NAME_BY_SIGNING_NAME.get(scope["service"], scope["service"])
    if target:
        return Call(service, scope["region"], target.rpartition(".")[2], json.loads(body), json=True)
    form = dict(parse_qsl(body, keep_blank_values=True))
    parameters = wire.nested(form) if service in _JSON_OR_QUERY else form
    return Call(service, scope["region"], form.get("Action", ""), parameters)


def success(call: Call, values: Mapping[str, object]) -> Response:
    """Write an answer, given as boto3 returns it."""
    if call.json:
        return Response(200, wire.json_answer(values), JSON_TYPE)
    return Response(200, wire.answer(call.service, call.operation, values, _request_id()))


def refused(call: Call, refusal: Refusal) -> Response:
    """Write a refusal of the call."""
    if call.json:
        query_error = {"x-amzn-query-error": f"{refusal.code};Sender"} if call.service in _JSON_OR_QUERY else {}
        return Response(refusal.status, wire.json_error(refusal.code, refusal.message), JSON_TYPE, query_error)
    return Response(refusal.status, wire.error(call.service, refusal.code, refusal.message, _request_id()))


def refused_unsigned() -> Response:
    """Write the refusal of a call without a signature, as EC2 words it."""
    message = "Request is missing Authentication Token"
    return Response(403, wire.error("ec2", "MissingAuthenticationToken", message, _request_id()))


def _request_id() -> str:
    return str(uuid.uuid4())
