"""The words, colours, columns and links that the dashboards share."""

from aws_vpn_exporter.diagnosis.cause import CauseKind
from aws_vpn_exporter.evidence import LogEventClass
from aws_vpn_exporter.model import TunnelState
from aws_vpn_exporter.options import OPTIONS, Option
from grafana.panels import BLUE, CALM, GREEN, GREY, ORANGE, PLAIN, PURPLE, RED, YELLOW, Words
from grafana.queries import SEVERITIES, STATE_NUMBERS
from grafana.tables import Column, link

_DOCS = "https://github.com/aws-vpn-exporter/aws-vpn-exporter/blob/main/docs"
RUNBOOKS = f"{_DOCS}/runbooks"

CONNECTION_STATUS = Words(
    {
        "0": ("DOWN", RED),
        "1": ("REDUNDANCY LOST", ORANGE),
        "2": ("UP, NO ROUTES", PURPLE),
        "3": ("NOT REPORTED", YELLOW),
        "4": ("UP", GREEN),
        "5": ("NOT IN SERVICE", GREY),
    }
)
_TUNNEL = {
    TunnelState.DOWN: ("DOWN", RED),
    TunnelState.IPSEC_DOWN: ("DOWN: IPsec is down", RED),
    TunnelState.BGP_DOWN: ("DOWN: IPsec is up, BGP is down", ORANGE),
    TunnelState.UP_WITHOUT_ROUTES: ("UP, no routes", PURPLE),
    TunnelState.UP: ("UP", GREEN),
}
TUNNEL_STATE = Words({str(number): _TUNNEL[state] for state, number in STATE_NUMBERS.items()})
CHECK = Words({"0": ("FAILED", ORANGE), "1": ("PASSED", GREEN), "2": ("not judged", CALM)})
PERMITTED = Words({"0": ("no", GREEN), "1": ("PERMITTED", ORANGE)})
SWITCH = Words({"0": ("off", GREY), "1": ("on", BLUE)})
AGREEMENT = Words({"0": ("fits", GREEN), "1": ("DIFFERS", ORANGE)})
STANDBY = Words({"0": ("no", PLAIN), "1": ("yes", BLUE)})
MAINTENANCE = Words({"0": ("none", CALM), "1": ("PENDING", ORANGE)})
READ = Words({"0": ("NOT IN FULL", ORANGE), "1": ("IN FULL", GREEN)})
ANSWERING = Words({"0": ("NO ANSWER", RED), "1": ("ANSWERING", GREEN)})
SEVERITY = Words(
    {
        str(rank): (word.upper(), color)
        for rank, (word, color) in enumerate(zip(SEVERITIES, (RED, ORANGE, BLUE), strict=True))
    }
)

_CAUSES = {
    CauseKind.IDLE_TIMEOUT: "Idle time-out",
    CauseKind.REKEY_MISMATCH: "Rekey mismatch",
    CauseKind.DEAD_PEER_DETECTION: "Dead peer detection",
    CauseKind.PRE_SHARED_KEY_MISMATCH: "Pre-shared keys differ",
    CauseKind.AUTHENTICATION_FAILED: "Authentication failed",
    CauseKind.TRAFFIC_SELECTORS: "Traffic selectors differ",
    CauseKind.NEGOTIATION_BLOCKED: "Negotiation blocked",
    CauseKind.CLOSED_BY_CUSTOMER_GATEWAY: "Closed by the device",
    CauseKind.REKEY_COLLISION: "Rekey collision",
    CauseKind.BGP_DOWN: "BGP is down",
    CauseKind.NO_ROUTES: "No routes",
    CauseKind.NOT_ATTACHED: "Not attached to a gateway",
    CauseKind.OPTIONS_CHANGED: "Options changed",
    CauseKind.SHARED_EVENT: "Several sites at once",
    CauseKind.DEAD_PEER_WITH_ACTION_NONE: "Dead peer, still UP",
    CauseKind.DATA_PLANE_DEAD: "Data plane dead",
    CauseKind.NEVER_UP: "Never up",
    CauseKind.ENDPOINT_REPLACEMENT: "AWS replaced the endpoint",
    CauseKind.CUSTOMER_GATEWAY_UNREACHABLE: "Customer gateway unreachable",
    CauseKind.WILL_NOT_RECOVER_ALONE: "Will not recover alone",
    CauseKind.UNKNOWN: "Not known",
}

_THIS_CONNECTION = (
    "var-datasource=${datasource}&${job:queryparam}&${account_id:queryparam}&${region:queryparam}"
    "&var-connection=${__data.fields.vpn_connection_id}&${__url_time_range}"
)
_CONSOLE = "https://${__data.fields.region}.console.aws.amazon.com/vpcconsole/home?region=${__data.fields.region}"

TO_CONNECTION = link("Why: this connection's tunnels", f"/d/aws-vpn-connection?{_THIS_CONNECTION}")
TO_RUNBOOK = link("What to do: the runbook", f"{RUNBOOKS}/${{__data.fields.alertname}}.md")
TO_REMEDY = link("What to do: causes and their remedies", f"{_DOCS}/DIAGNOSIS.md#causes")
TO_CONSOLE = link(
    "This connection in the AWS console",
    f"{_CONSOLE}#VpnConnectionDetails:VpnConnectionId=${{__data.fields.vpn_connection_id}}",
)

NAME = Column("Connection", label="name", link=TO_CONNECTION, width=180, filterable=True)
ACCOUNT = Column("Account", label="account", width=150, filterable=True)
REGION = Column("Region", label="region", width=125, filterable=True)
CONNECTION_ID = Column("Connection ID", label="vpn_connection_id", link=TO_CONSOLE)
TUNNEL_IP = Column("Tunnel (outside IP)", label="tunnel_ip", width=160)
CAUSE = Column(
    "Probable cause",
    label="cause",
    words=Words({kind.value: (_CAUSES[kind], PLAIN) for kind in CauseKind}),
    quiet=True,
    link=TO_REMEDY,
    width=230,
)
CONFIDENCE = Column("Confidence", label="confidence", width=110)
_SPELLING = {
    "phase1": "phase 1",
    "phase2": "phase 2",
    "bgp": "BGP",
    "dh": "DH",
    "dpd": "DPD",
    "ike": "IKE",
    "nat": "NAT",
}
_MEASURES = ("seconds", "packets", "ratio", "enabled")


def option_name(option: Option, measure: bool = True) -> str:
    """An option as a person writes it, with or without what a number of it counts."""
    words = option.published_as.removeprefix("aws_vpn_tunnel_").split("_")
    counted = words.pop() if words[-1] in _MEASURES else ""
    return spelled("_".join(words)) + (f" ({counted})" if measure and counted not in ("", "enabled") else "")


def spelled(identifier: str) -> str:
    """A label or a label's value as a person writes it."""
    words = identifier.replace("pre_shared", "pre-shared").split("_")
    name = " ".join(_SPELLING.get(word, word) for word in words)
    return name[0].upper() + name[1:]


def nothing_read(*blocks: str) -> str:
    """What a panel says while the optional sources that fill it are off."""
    named = f"block {blocks[0]}" if len(blocks) == 1 else f"blocks {', '.join(blocks)}"
    return f"Nothing read: the exporter's configuration turns it on with the {named}"


NEGOTIATED_AS = {
    "ike_versions": "ike_version",
    "phase1_encryption": "phase1_encryption",
    "phase1_integrity": "phase1_integrity",
    "phase1_dh_groups": "phase1_dh_group",
    "phase2_encryption": "phase2_encryption",
    "phase2_integrity": "phase2_integrity",
    "phase2_dh_groups": "phase2_dh_group",
}
"""The options of which AWS may permit several values, and the label that says on which one the two sides agreed."""

_OPTION_NAMES = {
    key: (option_name(option), PLAIN)
    for option in OPTIONS
    for key in (option.key, option.published_as.removeprefix("aws_vpn_tunnel_"))
}
OPTION_NAME = Column("Option", label="option", words=Words(_OPTION_NAMES), quiet=True, width=250)
LOG_EVENT = Column(
    "Event",
    label="event",
    words=Words({event.value: (spelled(event.value), PLAIN) for event in LogEventClass}),
    quiet=True,
    width=180,
)
WHERE = (ACCOUNT, REGION, CONNECTION_ID)
IDENTITY_LABELS = ("name", "account", "region", "vpn_connection_id")
