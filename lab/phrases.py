"""The daemons' log lines in the words of AWS's VPN logs: one table for IKE, one for BGP. Pure.

AWS's wording follows the Site-to-Site VPN user guide ("Site-to-Site VPN log contents"). A line of the daemon for which
AWS has no documented phrase is left out, but moves the states that the next record carries.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from lab.network import SITE, SITE_AS, TUNNELS

_DPD = "AWS tunnel DPD timed out"

_IKE: tuple[tuple[str, str], ...] = (
    # Dead peers. IKEv2's dead peer detection is a message that is repeated; IKEv1's has a timer.
    (r"giving up after (\d+) retransmits", _DPD + " after {0} retransmits"),
    (r"DPD check timed out, enforcing DPD action", "Peer is not responsive - Declaring peer dead"),
    # Who the peer is.
    (
        r"tried \d+ shared keys? for .*, but MAC mismatched",
        f"AWS tunnel detected a pre-shared key mismatch with cgw: {SITE}",
    ),
    (
        r"invalid ID_V1 payload length, decryption failed\?",
        "AWS tunnel payload decryption was unsuccessful due to invalid Pre-shared Key",
    ),
    (
        r"generating \w+ (?:response|request) \d+ \[ .*N\(AUTH_FAILED\)",
        "AWS tunnel is sending AUTHENTICATION_FAILED as the response",
    ),
    # What is agreed on.
    (r"received proposals unacceptable|no proposal found", "No Proposal Match Found by AWS"),
    (
        r"generating .* \[ .*N\((?:NO_PROP|NO_PROPOSAL_CHOSEN)\)",
        'No Proposal Match Found. Notifying with "No proposal chosen"',
    ),
    (r"received TS_UNACCEPTABLE notify", "AWS: Traffic Selector: TS_UNACCEPTABLE: received from responder"),
    (
        r"failed to establish CHILD_SA, keeping IKE_SA",
        "AWS tunnel Phase 2 was unable to establish while keeping Phase 1",
    ),
    # Ends.
    (
        r"received DELETE for ESP CHILD_SA with SPI ([0-9a-f]+)",
        "AWS tunnel received DELETE for Phase 2 SA with SPI: {0}",
    ),
    (r"received DELETE for IKE_SA", "AWS tunnel received DELETE for IKE_SA from CGW"),
    (
        r"deleting half open IKE_SA with .* after timeout",
        f"AWS tunnel Timeout: deleting un-established Phase 1 IKE_SA with cgw: {SITE}",
    ),
    # Rekeys.
    (
        r"detected CHILD_REKEY collision with CHILD_(?:DELETE|REKEY)",
        "AWS tunnel detected a (CHILD_REKEY) collision as CHILD_DELETE",
    ),
    (
        r"CHILD_REKEY collision (?:won|lost), deleting (?:redundant )?",
        "AWS tunnel (CHILD_SA) redundant SA is being deleted due to detected collision",
    ),
    (r"parsed CREATE_CHILD_SA request (\d+)", "AWS tunnel processed request (id={0}) for CREATE_CHILD_SA"),
    (r"generating CREATE_CHILD_SA response (\d+)", "AWS tunnel is sending response (id={0}) for CREATE_CHILD_SA"),
    (r"generating CREATE_CHILD_SA request (\d+)", "AWS tunnel is sending request (id={0}) for CREATE_CHILD_SA"),
    (r"parsed CREATE_CHILD_SA response (\d+)", "AWS tunnel processed response (id={0}) for CREATE_CHILD_SA"),
)
"""A pattern of charon's line, and AWS's phrase; the first that fits counts."""

_CEASE = {
    "Maximum number of prefixes reached": "6/1 (Cease/Maximum Number of Prefixes Reached)",
    "Administrative shutdown": "6/2 (Cease/Administrative Shutdown)",
    "Peer de-configured": "6/3 (Cease/Peer Unconfigured)",
    "Administrative reset": "6/4 (Cease/Administrative Reset)",
    "Connection rejected": "6/5 (Cease/Connection Rejected)",
    "Other configuration change": "6/6 (Cease/Other Configuration Change)",
    "Connection collision resolution": "6/7 (Cease/Connection Collision Resolution)",
}
"""BIRD's names of the reasons for a NOTIFICATION, and AWS's (RFC 4486)."""

_BGP: tuple[tuple[str, str], ...] = (
    (r"Connecting to ", "AWS-side peer is initiating a connection (via Connect) to neighbor {neighbor}"),
    (r"Error: Hold timer expired", "AWS-side peer sent a Hold Timer Expired notification to neighbor {neighbor}"),
    (
        r"Error: Bad peer AS: (\d+)",
        "AWS-side peer detected a bad OPEN message from neighbor {neighbor} - remote AS is {0}, "
        f"expected {SITE_AS}",
    ),
    *(
        (rf"Received: {reason}", f"AWS-side peer received notification {code} from neighbor {{neighbor}}")
        for reason, code in _CEASE.items()
    ),
    (
        r"hits route import limit \((\d+)\)",
        "AWS-side peer detected the maximum prefix limit was exceeded - received {more} prefixes from neighbor "
        "{neighbor}, limit is {0}",
    ),
    (
        r"Route limit exceeded, shutting down",
        f"AWS-side peer sent a notification {_CEASE['Maximum number of prefixes reached']} to neighbor {{neighbor}}",
    ),
)
"""A pattern of BIRD's line, and AWS's phrase."""

_BGP_STATES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"Connecting to ", ("Connect",)),
    (r"Connected$", ("OpenSent",)),
    (r"Incoming connection .* accepted", ("Connect", "OpenSent")),
    (r"BGP session established", ("OpenConfirm", "Established")),
    (r"BGP session closed|Down$", ("Idle",)),
    (r"Connection (?:lost|closed)", ("Active",)),
)
"""A pattern of BIRD's line, and the states that the session goes through with it."""


@dataclass(frozen=True)
class Record:
    """What AWS would log at a moment of the machine's clock. A record of BGP has `bgp`: UP or DOWN."""

    moment: float
    detail: str
    phase1: str = "down"
    phase2: str = "down"
    bgp: str = ""


_CHARON_LINE = re.compile(r"(?P<second>\d+)\.(?P<milli>\d{3}) \d+\[\w+\] (?:<(?:[^|>]*\|)?(?P<of>\d+)> )?(?P<said>.*)")
_CHANGE = re.compile(r"(?P<kind>IKE|CHILD)_SA .*[\[{](?P<number>\d+)[\]}] state change: \w+ => (?P<state>\w+)")
_STATES = {
    "CONNECTING": "negotiating",
    "CREATED": "negotiating",
    "INSTALLING": "negotiating",
    "ESTABLISHED": "established",
    "INSTALLED": "established",
    "REKEYING": "rekeying",
}
"""charon's states in AWS's words; an SA in any other state is as good as gone."""
_BEST_FIRST = ("rekeying", "established", "negotiating")


@dataclass
class _Phases:
    """The states of the SAs by number, as the log tells them."""

    known: dict[str, dict[str, str]] = field(default_factory=lambda: {"IKE": {}, "CHILD": {}})

    def take(self, said: str) -> None:
        if said.startswith("Starting IKE charon daemon"):
            self.known = {"IKE": {}, "CHILD": {}}
        change = _CHANGE.search(said)
        if change:
            self.known[change["kind"]][change["number"]] = _STATES.get(change["state"], "")

    def established(self, number: str) -> bool:
        """Whether the IKE SA of this number was once agreed on."""
        return self.known["IKE"].get(number) in ("established", "rekeying")

    def now(self, kind: str) -> str:
        present = set(self.known[kind].values())
        return next((state for state in _BEST_FIRST if state in present), "down")


def ike(lines: Iterable[str]) -> Iterator[Record]:
    """AWS's tunnel activity log from charon's, both of one tunnel."""
    phases = _Phases()
    for line in lines:
        read = _CHARON_LINE.match(line)
        if read is None:
            continue
        said = read["said"]
        phases.take(said)
        detail = _phrase(_IKE, said)
        if detail.startswith(_DPD) and not phases.established(read["of"]):
            continue  # a negotiation that was given up: AWS documents no phrase for it
        if detail:
            moment = int(read["second"]) + int(read["milli"]) / 1000
            yield Record(moment, detail, phases.now("IKE"), phases.now("CHILD"))


_BIRD_LINE = re.compile(r"(?P<time>\S+ \S+) <\w+> (?:Protocol )?tunnel(?P<number>\d):? (?P<said>.*)")


def bgp(lines: Iterable[str]) -> Iterator[tuple[int, Record]]:
    """AWS's BGP log from the log of the BIRD behind its endpoints: tunnels' numbers, and records."""
    states = dict.fromkeys(TUNNELS, "Idle")
    for line in lines:
        read = _BIRD_LINE.match(line)
        if read is None:
            continue
        number, said = int(read["number"]), read["said"]
        moment = datetime.fromisoformat(read["time"]).timestamp()
        neighbor = TUNNELS[number].inside("site")
        detail = _phrase(_BGP, said, neighbor=neighbor)
        if detail:
            yield number, Record(moment, detail, bgp="DOWN")
        for state in next((states for pattern, states in _BGP_STATES if re.match(pattern, said)), ()):
            before, states[number] = states[number], state
            if before != state:
                told = f"AWS-side peer BGP session state has changed from {before} to {state} with neighbor {neighbor}"
                yield number, Record(moment, told, bgp="UP" if state == "Established" else "DOWN")


def _phrase(table: Iterable[tuple[str, str]], said: str, **words: str) -> str:
    for pattern, phrase in table:
        found = re.search(pattern, said)
        if found:
            groups = found.groups()
            more = {"more": str(int(groups[0]) + 1)} if groups and groups[0].isdecimal() else {}
            return phrase.format(*groups, **words, **more)
    return ""
