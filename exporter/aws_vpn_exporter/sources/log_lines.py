"""Classifies a line of the VPN logs by a table of patterns, tried from the top, and by the states in its fields.

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
    # A certificate or an identity that does not fit says the same; on tunnels with keys it is the key.
    (LogEventClass.PRE_SHARED_KEY_MISMATCH, r"AUTH(ENTICATION)?_FAILED"),
    (LogEventClass.DPD_TIMEOUT, r"DPD timed out"),
    (LogEventClass.DPD_TIMEOUT, r"declaring peer dead"),  # what an IKEv1 tunnel says after unanswered DPD messages
    (LogEventClass.NO_PROPOSAL_MATCH, r"no[ _]proposal[ _](match|chosen)"),
    (LogEventClass.NO_PROPOSAL_MATCH, r"TS_UNACCEPTABLE"),  # the encryption domains differ, not the algorithms
    (LogEventClass.NO_PROPOSAL_MATCH, r"phase 2 was unable to establish"),
    (LogEventClass.PEER_UNRESPONSIVE, r"peer is not responsive"),
    (LogEventClass.PEER_UNRESPONSIVE, r"timeout: deleting un-?established"),
    (LogEventClass.PEER_UNRESPONSIVE, r"(giving up|gave up) after \d+ retransmits"),
    (LogEventClass.PHASE1_DOWN, r"DELETE for IKE_SA"),
    (LogEventClass.PHASE2_DOWN, r"DELETE for (phase 2|CHILD)[ _]SA"),
    (LogEventClass.REKEY, r"CREATE_CHILD_SA|CHILD_REKEY|redundant SA|\brekey"),
    (LogEventClass.PHASE1_UP, r"IKE_SA\b.*\bestablished|phase 1\b.*\bestablished"),
    (LogEventClass.PHASE2_UP, r"CHILD_SA\b.*\bestablished|phase 2\b.*\bestablished"),
    (LogEventClass.NAT_TRAVERSAL, r"\bNAT-?T\b|NAT[ -]traversal|behind (a )?NAT"),
    (LogEventClass.BGP_UP, r"BGP session state has changed from \w+ to Established"),
    (LogEventClass.BGP_DOWN, r"BGP session state has changed from Established to"),
    (LogEventClass.BGP_DOWN, r"BGP session state has changed from \w+ to (Idle|Active)"),
    (LogEventClass.BGP_DOWN, r"AWS-side peer (sent|received) (a )?notification \d|hold timer expired|bad OPEN message"),
    (LogEventClass.BGP_DOWN, r"maximum prefix limit was exceeded"),
)
"""To teach the exporter a new wording, add a row; case does not matter, and the first row that fits counts."""

_PATTERNS = tuple((event, re.compile(pattern, re.IGNORECASE)) for event, pattern in _TABLE)

_STATES = ("established", "rekeying", "negotiating", "down")
_CHANGES: tuple[tuple[str, LogEventClass, LogEventClass], ...] = (
    ("phase1", LogEventClass.PHASE1_UP, LogEventClass.PHASE1_DOWN),
    ("phase2", LogEventClass.PHASE2_UP, LogEventClass.PHASE2_DOWN),
)
_MOST_READ = 4096
"""Characters of a line's text that patterns are tried on."""


class LogLine(NamedTuple):
    """What a line says. `source` holds the words by which the line itself names its tunnel; absent text is ""."""

    detail: str
    source: str = ""
    phase1: str = ""
    phase2: str = ""


def read(message: str) -> LogLine:
    """The fields of a line. Text that is not of a documented form becomes the detail as a whole; never raises."""
    try:
        fields = json.loads(message)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, Mapping):
        return LogLine(_text(message))
    return LogLine(
        detail=_detail(fields) or _text(message),
        source=" ".join(_field(fields, "resource_id", "VpnConnectionId", "TunnelOutsideIPAddress")),
        phase1=_state(fields, "ike_phase1_state", "TunnelIKEPhase1State"),
        phase2=_state(fields, "ike_phase2_state", "TunnelIKEPhase2State"),
    )


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
    """The line's text. A line about a route has one only where the route is faulty; else its kind and prefix."""
    inner = fields.get("message")
    nested: Mapping[str, object] = inner if isinstance(inner, Mapping) else {}
    found = _field(fields, "details", "VpnLogDetail") or _field(nested, "details")
    return _text(" ".join(found or (*_field(fields, "type", "status"), *_field(nested, "prefix"))))


def _field(fields: Mapping[str, object], *names: str) -> list[str]:
    return [str(fields[name]) for name in names if isinstance(fields.get(name), str)]


def _state(fields: Mapping[str, object], *names: str) -> str:
    said = next(iter(_field(fields, *names)), "").lower()
    return said if said in _STATES else ""


def _text(text: str) -> str:
    return " ".join(text[:_MOST_READ].split())


def shown(line: LogLine) -> str:
    """The line's text, fit to be shown: sanitised and capped."""
    return clean(line.detail)
