"""A line of the VPN logs to what it is about. Pure: a table of patterns, tried from the top, and the line's own fields.

Wording and fields follow the Site-to-Site VPN user guide ("Site-to-Site VPN log contents"). A line of the tunnel
activity log is JSON with `details` and the states of both IKE phases; its tunnel is named by the log stream. A line
of the BGP log is JSON with `resource_id` and the text within `message`. With the output format `text`, a line is text.
"""

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from aws_vpn_exporter.evidence import LogEventClass
from aws_vpn_exporter.wording import clean

_TABLE: tuple[tuple[LogEventClass, str], ...] = (
    (LogEventClass.PRE_SHARED_KEY_MISMATCH, r"pre-?shared key"),
    (LogEventClass.AUTHENTICATION_FAILED, r"AUTH(ENTICATION)?_FAILED|certificate.*(invalid|expired|untrusted|revoked)"),
    (LogEventClass.DPD_TIMEOUT, r"DPD timed out"),
    (LogEventClass.DPD_TIMEOUT, r"declaring peer dead"),  # what an IKEv1 tunnel says after unanswered DPD messages
    (LogEventClass.NO_PROPOSAL_MATCH, r"no[ _]proposal[ _](match|chosen)"),
    (LogEventClass.TRAFFIC_SELECTORS, r"TS_UNACCEPTABLE|traffic selector"),
    (LogEventClass.PHASE2_FAILED, r"phase 2 was unable to establish|failed to establish CHILD_SA"),
    (LogEventClass.HALF_OPEN, r"timeout: deleting un-?established|half[- ]open"),
    (LogEventClass.PEER_UNRESPONSIVE, r"peer is not responsive"),
    (LogEventClass.PEER_UNRESPONSIVE, r"(giving up|gave up) after \d+ retransmits"),
    (LogEventClass.REKEY_COLLISION, r"collision as CHILD_|(CHILD|IKE)_REKEY\)? collision|due to detected collision"),
    (LogEventClass.CLOSED_BY_GATEWAY, r"received DELETE for"),
    (LogEventClass.REKEY, r"CREATE_CHILD_SA|CHILD_REKEY|redundant SA|\brekey"),
    (LogEventClass.PHASE1_UP, r"IKE_SA\b.*\bestablished|phase 1\b.*\bestablished"),
    (LogEventClass.PHASE2_UP, r"CHILD_SA\b.*\bestablished|phase 2\b.*\bestablished"),
    (LogEventClass.NAT_TRAVERSAL, r"\bNAT-?T\b|NAT[ -]traversal|behind (a )?NAT"),
    (LogEventClass.BGP_UP, r"BGP session state has changed from \w+ to Established|End-of-RIB"),
    (LogEventClass.BGP_DOWN, r"BGP session state has changed from Established to"),
    (LogEventClass.BGP_CONNECTING, r"BGP session state has changed from"),
    (LogEventClass.BGP_PREFIX_WARNING, r"maximum prefix limit warning"),
    (LogEventClass.BGP_PREFIX_LIMIT, r"maximum prefix limit|maximum number of prefixes|notification 6/1\b"),
    (LogEventClass.BGP_SHUTDOWN, r"notification 6/2\b|administrative shutdown"),
    (LogEventClass.BGP_UNCONFIGURED, r"notification 6/3\b|peer (un|de-?)configured"),
    (LogEventClass.BGP_RESET, r"notification 6/4\b|administrative reset"),
    (LogEventClass.BGP_REJECTED, r"notification 6/5\b|connection rejected"),
    (LogEventClass.BGP_HOLD_TIMER, r"hold timer expired|notification 4/0\b"),
    (LogEventClass.BGP_AS_NUMBER, r"remote AS is \d+, expected|notification 2/2\b|bad peer AS"),
    (LogEventClass.BGP_NOTIFICATION, r"AWS-side peer (sent|received) (a )?notification|bad OPEN message"),
    (LogEventClass.BGP_CONNECTING, r"AWS-side peer .*(OPEN message|initiating a connection)"),
    (LogEventClass.ROUTE_DENIED_AS_PATH, r"DENIED due to.*as-?path"),
    (LogEventClass.ROUTE_DENIED_NEXT_HOP, r"DENIED due to.*next-?hop"),
    (LogEventClass.ROUTE_CHANGED, r"^RouteStatus|received update with attributes"),
)
"""To teach the exporter a new wording, add a row; case does not matter, and the first row that fits counts."""

_PATTERNS = tuple((event, re.compile(pattern, re.IGNORECASE)) for event, pattern in _TABLE)

_STATES = ("established", "rekeying", "negotiating", "down")
_CHANGES: tuple[tuple[str, LogEventClass, LogEventClass], ...] = (
    ("phase1", LogEventClass.PHASE1_UP, LogEventClass.PHASE1_DOWN),
    ("phase2", LogEventClass.PHASE2_UP, LogEventClass.PHASE2_DOWN),
)
_STATE_IN_TEXT = re.compile(rf"ike_?phase_?([12])_?state\W+({'|'.join(_STATES)})\b")
_NAT_IN_TEXT = re.compile(r"(?:nat_t_detected|CGWNATTDetectionStatus)\W+(\w+)", re.IGNORECASE)
_MOST_READ = 4096
"""Characters of a line's text that patterns are tried on."""


_SHOWN = 250
_LEAD = 40
"""Characters of a line that are shown in any case, and that are shown before the words that tell its class."""


class LogLine(NamedTuple):
    """What a line says. `source` holds the words by which the line itself names its tunnel; absent text is "".

    `nat` is whether AWS saw the customer gateway behind NAT, None where the line does not say.
    """

    detail: str
    source: str = ""
    phase1: str = ""
    phase2: str = ""
    nat: bool | None = None


def read(message: str) -> LogLine:
    """The line, whatever it is: text that is not of a documented form is all detail."""
    try:
        fields = json.loads(message)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, Mapping):
        return _plain(_text(message))
    return LogLine(
        detail=_detail(fields) or _text(message),
        source=" ".join(_field(fields, "resource_id", "VpnConnectionId", "TunnelOutsideIPAddress")),
        phase1=_state(fields, "ike_phase1_state", "TunnelIKEPhase1State"),
        phase2=_state(fields, "ike_phase2_state", "TunnelIKEPhase2State"),
        nat=next(map(_yes, _said(fields, "nat_t_detected", "TunnelCGWNATTDetectionStatus")), None),
    )


def _plain(text: str) -> LogLine:
    """A line of the output format `text`, which names its fields as the JSON does."""
    states = dict(_STATE_IN_TEXT.findall(text.lower()))
    nat = _NAT_IN_TEXT.search(text)
    return LogLine(text, phase1=states.get("1", ""), phase2=states.get("2", ""), nat=_yes(nat[1]) if nat else None)


def classify(line: LogLine, before: LogLine | None = None) -> LogEventClass:
    """What the line is about: by its text, else by what changed since the tunnel's line before, else `other`."""
    for event, pattern in _PATTERNS:
        if pattern.search(line.detail):
            return event
    return _change(line, before) if before else LogEventClass.OTHER


def _change(line: LogLine, before: LogLine) -> LogEventClass:
    for phase, up, down in _CHANGES:
        was, now = getattr(before, phase), getattr(line, phase)
        if was == now or not was:
            continue
        if now == "established" and was != "rekeying":
            return up
        if now == "rekeying":
            return LogEventClass.REKEY
        if now == "down":
            return down
    return LogEventClass.OTHER


def _detail(fields: Mapping[str, object]) -> str:
    """The text; of a route's change its kind and prefix, and what is wrong with the route."""
    inner = fields.get("message")
    nested: Mapping[str, object] = inner if isinstance(inner, Mapping) else {}
    found = [said for said in _field(fields, "details", "VpnLogDetail") or _field(nested, "details") if said.strip()]
    route = fields.get("type") == "RouteStatus"
    where = (*_field(fields, "type", "status"), *_field(nested, "prefix")) if route or not found else ()
    return _text(" ".join((*where, *found)))


def _yes(said: object) -> bool:
    return str(said).lower() in ("true", "yes", "1", "detected", "enabled")


def _said(fields: Mapping[str, object], *names: str) -> list[object]:
    return [fields[name] for name in names if name in fields]


def _field(fields: Mapping[str, object], *names: str) -> list[str]:
    return [str(fields[name]) for name in names if isinstance(fields.get(name), str)]


def _state(fields: Mapping[str, object], *names: str) -> str:
    said = next(iter(_field(fields, *names)), "").lower()
    return said if said in _STATES else ""


def _text(text: str) -> str:
    return " ".join(text[:_MOST_READ].split())


def shown(line: LogLine) -> str:
    """The line's text, fit to be shown: sanitised and capped; of a long one the part that says what it is about."""
    found = next((match for _, pattern in _PATTERNS if (match := pattern.search(line.detail))), None)
    begin = max(0, found.start() - _LEAD) if found and found.end() > _SHOWN else 0
    return clean(line.detail[begin:])
