"""The simulated AWS on a local port: real HTTP, real signatures' scope, real XML and JSON, and faults on demand.

It stands on the standard library's http.server because most faults are made below HTTP: a reset, a connection
that closes too early, a request that is never answered. A web framework keeps the socket to itself.
"""

import contextlib
import json
import re
import socket
import struct
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import parse_qsl
from weakref import WeakSet

from . import sources as answers
from . import wire
from .faults import (
    CLOCK_SKEW_SECONDS,
    FAULT_NAMES,
    LOAD_BALANCER_PAGE,
    PROXY_PAGE,
    FaultName,
    Refusal,
    RefusedError,
    refusal,
)
from .sources import NoSources, Sources

Describe = Callable[[str], Mapping[str, object]]
"""A region's DescribeVpnConnections answer, as boto3 returns it."""

FaultScript = Callable[[str, str], FaultName | None]
"""The fault that is due now for an operation in a region, if any."""

DEFAULT_REGIONS = ("eu-west-1", "eu-central-1", "us-east-1", "ap-southeast-2")

_SCOPE = re.compile(r"Credential=[^/,]+/\d{8}/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request")
_FILTER_NAME = re.compile(r"Filter\.(\d+)\.Name")
_LARGEST_REQUEST = 1 << 20
_JSON = "application/x-amz-json-1.1"
_SERVICES = {"monitoring": "cloudwatch"}
"""A signature names a service by its endpoint's prefix; this is what else it may be called."""
_QUERY_COMPATIBLE = frozenset({"cloudwatch"})
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def no_script(operation: str, region: str) -> None:
    """Every call succeeds, unless `SimulatedAws.fail` says otherwise."""


@dataclass(frozen=True)
class Call:
    """One API call as it came in: service and region out of the signature's scope, and the form's or JSON's fields."""

    service: str
    region: str
    operation: str
    parameters: Mapping[str, Any]
    json: bool = False


@dataclass(frozen=True)
class _Fault:
    name: FaultName
    seconds: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class _Response:
    status: int
    body: bytes
    content_type: str = "text/xml;charset=UTF-8"
    headers: Mapping[str, str] = field(default_factory=dict)


class SimulatedAws:
    """An AWS endpoint for EC2, STS, CloudWatch and CloudWatch Logs on 127.0.0.1, between `with` and its end.

    Answers DescribeVpnConnections (from `describe`), DescribeRegions (`regions`), GetCallerIdentity (`account_id`)
    and, from `sources`, GetVpnTunnelReplacementStatus, GetActiveVpnTunnelStatus, GetMetricData and
    FilterLogEvents, the last two with at most `page_size` values or events at a time; any other action is refused.
    Of DescribeVpnConnections' parameters it honours VpnConnectionId.N and the filter `state`; every other filter is
    ignored, as is the signature itself: any credentials will do.

    `script` can show faults by itself; those set with `fail` come first. All methods may be called from any
    thread.
    """

    def __init__(
        self,
        describe: Describe,
        *,
        account_id: str = "123456789012",
        regions: Sequence[str] = DEFAULT_REGIONS,
        script: FaultScript = no_script,
        sources: Sources | None = None,
        page_size: int = 10_000,
        port: int = 0,
    ) -> None:
        self._describe = describe
        self._sources = sources or NoSources()
        self._page_size = page_size
        self._account_id = account_id
        self._regions = tuple(regions)
        self._script = script
        self._lock = threading.Lock()
        self._faults: dict[tuple[str, str | None], _Fault] = {}
        self._calls: Counter[tuple[str, str]] = Counter()
        self._running: Counter[tuple[str, str]] = Counter()
        self._peak: Counter[tuple[str, str]] = Counter()
        self._answers: Mapping[tuple[str, str], Callable[[Call], Mapping[str, object]]] = {
            ("ec2", "DescribeVpnConnections"): self._describe_vpn_connections,
            ("ec2", "DescribeRegions"): self._describe_regions,
            ("ec2", "GetVpnTunnelReplacementStatus"): self._about_tunnel(self._sources.maintenance),
            ("ec2", "GetActiveVpnTunnelStatus"): self._about_tunnel(self._sources.negotiated),
            ("sts", "GetCallerIdentity"): self._get_caller_identity,
            ("cloudwatch", "GetMetricData"): self._paged(answers.metric_data),
            ("logs", "FilterLogEvents"): self._paged(answers.log_events),
        }
        self._server = _Server(self, port)
        self._thread = threading.Thread(
            # The default of half a second is what every stop would have to wait for.
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="simulated-aws",
            daemon=True,
        )

    def __enter__(self) -> Self:
        for service, operation in self._answers:
            if service in ("ec2", "sts"):
                wire.operation_model(service, operation)  # here, so that no first request pays for the loading
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Close the port and every connection at once, answered or not. Calling it twice does no harm."""
        self.heal()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self._server.close_connections()

    @property
    def url(self) -> str:
        """What to give boto3 as `endpoint_url`, or the environment as AWS_ENDPOINT_URL."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def calls(self) -> Mapping[tuple[str, str], int]:
        """How many calls came in so far, by operation and region; retries count."""
        with self._lock:
            return Counter(self._calls)

    @property
    def peak(self) -> Mapping[tuple[str, str], int]:
        """How many calls were under way at the same moment at most, by operation and region."""
        with self._lock:
            return Counter(self._peak)

    def fail(self, operation: str, fault: FaultName, *, region: str | None = None, seconds: float = 5.0) -> None:
        """Show `fault` for each call of `operation` from now on, in one region or in all.

        `seconds` is how long "slow" takes. A fault set earlier for the same calls is ended.
        """
        if fault not in FAULT_NAMES:
            raise ValueError(f"{fault!r} is not one of the faults {', '.join(FAULT_NAMES)}")
        with self._lock:
            earlier = self._faults.get((operation, region))
            self._faults[operation, region] = _Fault(fault, seconds)
        if earlier is not None:
            earlier.over.set()

    def heal(self, operation: str | None = None, *, region: str | None = None) -> None:
        """End the faults of one operation (in one region), or all.

        Calls that hang end without an answer. A fault set for all regions is not ended for one of them.
        """
        with self._lock:
            ended = [key for key in self._faults if operation in (None, key[0]) and region in (None, key[1])]
            faults = [self._faults.pop(key) for key in ended]
        for fault in faults:
            fault.over.set()

    @contextlib.contextmanager
    def counted(self, call: Call) -> Iterator[None]:
        """Count a call, and that it is under way."""
        key = (call.operation, call.region)
        with self._lock:
            self._calls[key] += 1
            self._running[key] += 1
            self._peak[key] = max(self._peak[key], self._running[key])
        try:
            yield
        finally:
            with self._lock:
                self._running[key] -= 1

    def fault_of(self, call: Call) -> _Fault | None:
        """Find the fault that this call must show."""
        with self._lock:
            here, everywhere = (call.operation, call.region), (call.operation, None)
            fault = self._faults.get(here) or self._faults.get(everywhere)
        if fault is not None:
            return fault
        scripted = self._script(call.operation, call.region)
        return None if scripted is None else _Fault(scripted)

    def respond(self, call: Call, fault: FaultName | None) -> _Response:
        """Make the response to a call: the fault's own, or the answer, or the reason why there is none."""
        if fault == "server_error_html":
            return _Response(500, LOAD_BALANCER_PAGE, "text/html")
        if fault == "proxy_html":
            return _Response(502, PROXY_PAGE, "text/html; charset=utf-8")
        refused = refusal(call.service, fault) if fault else None
        if refused is not None:
            message = refused.message.format(
                service=call.service, operation=call.operation, account_id=self._account_id
            )
            return _refuse(call, replace(refused, message=message))
        handler = self._answers.get((call.service, call.operation))
        if handler is None:
            message = f"The action {call.operation} is not valid for this web service."
            return _refuse(call, Refusal(400, "UnknownOperationException" if call.json else "InvalidAction", message))
        try:
            values = handler(call)
        except RefusedError as error:
            return _refuse(call, error.refusal)
        if call.json:
            return _Response(200, wire.json_answer(values), _JSON)
        return _Response(200, wire.answer(call.service, call.operation, values, _request_id()))

    def _paged(
        self, answer: Callable[[Sources, str, Mapping[str, Any], int], Mapping[str, object]]
    ) -> Callable[[Call], Mapping[str, object]]:
        return lambda call: answer(self._sources, call.region, call.parameters, self._page_size)

    @staticmethod
    def _about_tunnel(
        ask: Callable[[str, str, str], Mapping[str, object] | None],
    ) -> Callable[[Call], Mapping[str, object]]:
        def answer(call: Call) -> Mapping[str, object]:
            connection, address = (
                str(call.parameters.get(name)) for name in ("VpnConnectionId", "VpnTunnelOutsideIpAddress")
            )
            found = ask(call.region, connection, address)
            if found is None:
                message = f"The vpnConnection ID '{connection}' has no tunnel with the outside address '{address}'"
                raise RefusedError(Refusal(400, "InvalidVpnConnectionID.NotFound", message))
            return found

        return answer

    def _describe_vpn_connections(self, call: Call) -> Mapping[str, object]:
        answer = self._describe(call.region)
        wanted_ids, wanted_states = _indexed(call.parameters, "VpnConnectionId"), _states(call.parameters)
        if not wanted_ids and not wanted_states:
            return answer
        connections = cast("Sequence[Mapping[str, object]]", answer.get("VpnConnections", ()))
        unknown = wanted_ids - {str(connection.get("VpnConnectionId")) for connection in connections}
        if unknown:
            message = f"The vpnConnection ID '{min(unknown)}' does not exist"
            raise RefusedError(Refusal(400, "InvalidVpnConnectionID.NotFound", message))
        chosen = [
            connection
            for connection in connections
            if (not wanted_ids or connection.get("VpnConnectionId") in wanted_ids)
            and (not wanted_states or connection.get("State") in wanted_states)
        ]
        return {**answer, "VpnConnections": chosen}

    def _describe_regions(self, call: Call) -> Mapping[str, object]:
        return {
            "Regions": [
                {
                    "RegionName": region,
                    "Endpoint": f"ec2.{region}.amazonaws.com",
                    "OptInStatus": "opt-in-not-required",
                }
                for region in self._regions
            ]
        }

    def _get_caller_identity(self, call: Call) -> Mapping[str, object]:
        return {
            "UserId": "AIDAEXAMPLEEXAMPLE000",
            "Account": self._account_id,
            "Arn": f"arn:aws:iam::{self._account_id}:user/demo",
        }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, aws: SimulatedAws, port: int) -> None:
        self.aws = aws
        self._connections: WeakSet[socket.socket] = WeakSet()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer's own looks the host name up, which may ask a name server for minutes.
        super(ThreadingHTTPServer, self).server_bind()

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def close_connections(self) -> None:
        """Wake every thread that reads from a connection: it sees the end, closes it and is done."""
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        # A caller that goes away is its own affair; anything else is a bug of ours and must be seen.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "SimulatedAWS"
    disable_nagle_algorithm = True  # header and body are two writes, and must not wait for each other
    server: _Server

    def do_POST(self) -> None:
        announced = self.headers.get("Content-Length") or ""
        length = int(announced) if announced.isdecimal() else 0
        if length > _LARGEST_REQUEST:
            self.close_connection = True
            self._send(_Response(413, b"", "text/plain"))
            return
        body = self.rfile.read(length).decode(errors="replace")
        scope = _SCOPE.search(self.headers.get("Authorization") or "")
        if scope is None:
            refused = wire.error(
                "ec2", "MissingAuthenticationToken", "Request is missing Authentication Token", _request_id()
            )
            self._send(_Response(403, refused))
            return
        call = _call(scope["service"], scope["region"], self.headers.get("X-Amz-Target"), body)
        with self.server.aws.counted(call):
            self._answer(call)

    def _answer(self, call: Call) -> None:
        aws = self.server.aws
        fault = aws.fault_of(call)
        if fault is None:
            self._send(aws.respond(call, None))
        elif fault.name == "hang":
            self._caller_waits(fault.over)
            self.close_connection = True
        elif fault.name == "slow":
            if self._caller_waits(fault.over, fault.seconds):
                self._send(aws.respond(call, None))
        elif fault.name == "reset":
            self._reset()
        else:
            self._send_spoilt(aws.respond(call, fault.name), fault.name)

    def _send_spoilt(self, response: _Response, fault: FaultName) -> None:
        body, length = response.body, len(response.body)
        if fault in ("truncated", "short"):
            body = _cut(body)
        if fault == "truncated":
            length = len(body)
        if fault == "empty":
            body, length = b"", 0
        self.close_connection = self.close_connection or fault == "short"
        skew = CLOCK_SKEW_SECONDS if fault == "clock_skew" else 0
        self._send(replace(response, body=body), length=length, skew=skew)

    def _send(self, response: _Response, *, length: int | None = None, skew: float = 0) -> None:
        self.send_response_only(response.status, HTTPStatus(response.status).phrase)
        self.send_header("Content-Type", response.content_type)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body) if length is None else length))
        self.send_header("Date", formatdate(time.time() - skew, usegmt=True))
        self.end_headers()
        self.wfile.write(response.body)

    def _caller_waits(self, over: threading.Event, seconds: float | None = None) -> bool:
        """Wait until the fault is over or the seconds have passed; False as soon as the caller has gone.

        The look at the socket is what makes the count of calls under way honest: a caller that gave up after
        its own time-out and calls again is one caller, not two.
        """
        end = None if seconds is None else time.monotonic() + seconds
        self.connection.settimeout(0.1)
        try:
            while not over.is_set() and (end is None or time.monotonic() < end):
                with contextlib.suppress(TimeoutError):
                    if not self.connection.recv(1, socket.MSG_PEEK):
                        self.close_connection = True
                        return False
                    time.sleep(0.1)  # a pipelined request waits in the socket: do not spin on it
        finally:
            self.connection.settimeout(None)
        return True

    def _reset(self) -> None:
        """Close so that the kernel sends RST. `rfile` holds the socket too: it has to go first."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.rfile.close()
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the parent's
        """Say nothing: the exporter's own log is what a person should read."""


def _cut(body: bytes) -> bytes:
    """Cut an answer in the middle, and right behind a key if there is one: that is where a leak would show.

    The key then stands in an element without an end, which a search for whole elements does not find.
    """
    middle = len(body) // 2
    key_end = body.find(b"&lt;/pre_shared_key", middle)
    return body[: max(middle, key_end)]


def _call(service: str, region: str, target: str | None, body: str) -> Call:
    """Read a call: in JSON, its operation stands in a header; in a form, among the fields."""
    service = _SERVICES.get(service, service)
    if target:
        return Call(service, region, target.rpartition(".")[2], json.loads(body), json=True)
    form = dict(parse_qsl(body, keep_blank_values=True))
    parameters = wire.nested(form) if service in _QUERY_COMPATIBLE else form
    return Call(service, region, form.get("Action", ""), parameters)


def _refuse(call: Call, refused: Refusal) -> _Response:
    if call.json:
        compatible = {"x-amzn-query-error": f"{refused.code};Sender"} if call.service in _QUERY_COMPATIBLE else {}
        return _Response(refused.status, wire.json_error(refused.code, refused.message), _JSON, compatible)
    body = wire.error(call.service, refused.code, refused.message, _request_id())
    return _Response(refused.status, body)


def _request_id() -> str:
    return str(uuid.uuid4())


def _indexed(parameters: Mapping[str, str], name: str) -> set[str]:
    """Collect the values of a list in query form: Name.1, Name.2 and so on."""
    return {value for key, value in parameters.items() if re.fullmatch(rf"{re.escape(name)}\.\d+", key)}


def _states(parameters: Mapping[str, str]) -> set[str]:
    names = (_FILTER_NAME.fullmatch(key) for key, value in parameters.items() if value == "state")
    numbers = [name[1] for name in names if name]
    return set().union(*(_indexed(parameters, f"Filter.{number}.Value") for number in numbers))
