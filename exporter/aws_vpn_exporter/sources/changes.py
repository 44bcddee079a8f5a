"""CloudTrail LookupEvents: who changed which connection, and when.

The lookup is free, allows 2 calls a second in an account and region, and is minutes late. One call can ask for one
name of an event: each poll goes through the names, from where the last one ended. A request's values stay unread but
for the connection, the tunnel and the names of the options, so that no key can come through.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from aws_vpn_exporter.aws.errors import MalformedAnswerError, poll_errors
from aws_vpn_exporter.evidence import Change, Changes, SourceAnswer
from aws_vpn_exporter.fields import Duration
from aws_vpn_exporter.model import Connection
from aws_vpn_exporter.options import OPTIONS
from aws_vpn_exporter.sources.protocol import Source, SourceBlock, tunnel_ids
from aws_vpn_exporter.target import PollError
from aws_vpn_exporter.wording import clean

EVENTS = (
    "ModifyVpnTunnelOptions",
    "ModifyVpnConnection",
    "ModifyVpnConnectionOptions",
    "ModifyVpnTunnelCertificate",
    "ReplaceVpnTunnel",
    "CreateVpnConnection",
    "DeleteVpnConnection",
    "CreateVpnConnectionRoute",
    "DeleteVpnConnectionRoute",
)
"""The calls that change a connection."""

LATENESS = 15 * 60.0
"""Seconds within which CloudTrail has an event for lookups."""

_BEFORE_A_FALL = 3600.0
_LONGEST_LOOK_BACK = 14 * 86400.0
"""Seconds. CloudTrail itself keeps 90 days."""
_KEPT = 20
"""Changes of a connection that are kept."""
_MOST_PAGES = 4
_PAGE = 50

_OPTION_NAMES = {option.name.lower() for option in OPTIONS} | {"presharedkey", "logoptions", "tunnelinsidecidr"}


class ChangesBlock(SourceBlock):
    """Who changed a connection at AWS, from CloudTrail's free event history, minutes late."""

    interval: Duration = Field(300.0, description="How often CloudTrail is asked.")


class ChangesSource(Source):
    """The source `changes`. It remembers how far the history of its target has been read, for each event's name."""

    name = "changes"
    description = "Read who changed connections"
    block = ChangesBlock
    service = "cloudtrail"
    actions = ("cloudtrail:LookupEvents",)

    def __init__(self, block: ChangesBlock) -> None:
        """Nothing has been read yet."""
        self._read_until: dict[str, float] = {}
        self._known: dict[str, dict[str, Change]] = {}

    def fetch(self, client: Any, connections: Collection[Connection], now: float) -> SourceAnswer[Changes]:
        """The changes of the connections, asked for with a CloudTrail client."""
        ids = {connection.id for connection in connections}
        self._known = {key: known for key, known in self._known.items() if key in ids}
        first: PollError | None = None
        for name in EVENTS:
            begin = self._read_until.get(name, _first_look(connections, now))
            try:
                self._look_up(client, name, begin - LATENESS if name in self._read_until else begin, now, ids)
            except PollError as error:
                first = error
                break  # the next name would meet the same
            self._read_until[name] = now
        if first and not self._read_until:
            raise first
        return SourceAnswer({tunnel: self._of(tunnel.vpn_connection_id) for tunnel in tunnel_ids(connections)}, first)

    def _of(self, connection_id: str) -> Changes:
        return Changes(tuple(self._known.get(connection_id, {}).values()))

    def _look_up(self, client: Any, name: str, begin: float, end: float, ids: Collection[str]) -> None:
        """Reads the events of one name. Raises PollError."""
        request: dict[str, Any] = {
            "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": name}],
            "StartTime": datetime.fromtimestamp(begin, UTC),
            "EndTime": datetime.fromtimestamp(end, UTC),
            "MaxResults": _PAGE,
        }
        with poll_errors():
            for _ in range(_MOST_PAGES):  # newest first
                answer = client.lookup_events(**request)
                if "Events" not in answer:
                    raise MalformedAnswerError("not a LookupEvents answer")
                for event in answer["Events"]:
                    self._take(event, ids)
                if not answer.get("NextToken"):
                    return
                request["NextToken"] = answer["NextToken"]

    def _take(self, event: Mapping[str, Any], ids: Collection[str]) -> None:
        record = _record(event)
        when = event.get("EventTime")
        if record.get("errorCode") or not isinstance(when, datetime):
            return
        request = dict(_flat(record.get("requestParameters")))
        answer = dict(_flat(record.get("responseElements")))
        connection = str(request.get("vpnconnectionid") or answer.get("vpnconnectionid") or "")
        if connection not in ids:
            return
        change = Change(
            when.timestamp(),
            clean(event.get("EventName") or ""),
            clean(event.get("Username") or _actor(record) or "somebody"),
            clean(request.get("vpntunneloutsideipaddress") or ""),
            tuple(sorted(clean(name) for name in _names(record.get("requestParameters")))),
        )
        known = self._known.setdefault(connection, {})
        known[str(event.get("EventId") or change)] = change
        for identity in sorted(known, key=lambda one: known[one])[:-_KEPT]:
            del known[identity]


def _first_look(connections: Collection[Connection], now: float) -> float:
    """From before the earliest recent fall of a tunnel that is down."""
    falls = [
        telemetry.last_status_change
        for connection in connections
        for tunnel in connection.tunnels
        if (telemetry := tunnel.telemetry) and telemetry.up is False and telemetry.last_status_change
    ]
    recent = [fall for fall in falls if now - fall < _LONGEST_LOOK_BACK]
    return min(recent, default=now) - _BEFORE_A_FALL


def _record(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """CloudTrail's own record of the event, JSON within the answer; empty where it cannot be read."""
    try:
        record = json.loads(str(event.get("CloudTrailEvent") or "{}"))
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, Mapping) else {}


def _actor(record: Mapping[str, Any]) -> str:
    identity = record.get("userIdentity")
    return str(identity.get("arn") or identity.get("type") or "") if isinstance(identity, Mapping) else ""


def _flat(value: object, depth: int = 0) -> Iterator[tuple[str, object]]:
    """Each name in lower case with its text, however deep: EC2 wraps the parameters of newer calls once more."""
    if isinstance(value, Mapping) and depth < 6:
        for name, inner in value.items():
            if isinstance(inner, str):
                yield str(name).lower(), inner
            yield from _flat(inner, depth + 1)


def _names(value: object, depth: int = 0) -> Iterator[str]:
    """The names of tunnel options that a request sets; never their values."""
    if isinstance(value, Mapping) and depth < 6:
        for name, inner in value.items():
            if str(name).lower() in _OPTION_NAMES:
                yield str(name)
            yield from _names(inner, depth + 1)
