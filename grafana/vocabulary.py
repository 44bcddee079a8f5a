"""The words, colours, columns and links that the dashboards share."""

from aws_vpn_exporter.model import TunnelState
from aws_vpn_exporter.options import OPTIONS, Option
from grafana.panels import BLUE, GREEN, GREY, ORANGE, PLAIN, PURPLE, RED, YELLOW, Column, Words, link
from grafana.queries import SEVERITIES, STATE_NUMBERS

RUNBOOKS = "https://github.com/aws-vpn-exporter/aws-vpn-exporter/blob/main/docs/runbooks"

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
CHECK = Words({"0": ("FAILED", ORANGE), "1": ("PASSED", GREEN)})
PERMITTED = Words({"0": ("no", GREEN), "1": ("PERMITTED", ORANGE)})
SWITCH = Words({"0": ("off", GREY), "1": ("on", BLUE)})
AGREEMENT = Words({"0": ("agrees", GREEN), "1": ("DIFFERS", ORANGE)})
ANSWERING = Words({"0": ("NO ANSWER", RED), "1": ("ANSWERING", GREEN)})
SEVERITY = Words(
    {
        str(rank): (word.upper(), color)
        for rank, (word, color) in enumerate(zip(SEVERITIES, (RED, ORANGE, BLUE), strict=True))
    }
)

_THIS_CONNECTION = (
    "var-datasource=${datasource}&${job:queryparam}&var-account_id=${__data.fields.account_id}"
    "&var-region=${__data.fields.region}&var-connection=${__data.fields.vpn_connection_id}&${__url_time_range}"
)
_CONSOLE = "https://${__data.fields.region}.console.aws.amazon.com/vpcconsole/home?region=${__data.fields.region}"

TO_CONNECTION = link("Why: this connection's tunnels", f"/d/aws-vpn-connection?{_THIS_CONNECTION}")
TO_RUNBOOK = link("What to do: the runbook", f"{RUNBOOKS}/${{__data.fields.alertname}}.md")
TO_CONSOLE = link(
    "This connection in the AWS console",
    f"{_CONSOLE}#VpnConnectionDetails:VpnConnectionId=${{__data.fields.vpn_connection_id}}",
)

NAME = Column("Connection", label="name", link=TO_CONNECTION, width=190)
ACCOUNT = Column("Account", label="account_id", width=130)
REGION = Column("Region", label="region", width=120)
CONNECTION_ID = Column("Connection ID", label="vpn_connection_id", link=TO_CONSOLE, width=210)
TUNNEL_IP = Column("Tunnel (outside IP)", label="tunnel_ip", width=150)
_SPELLING = {"phase1": "phase 1", "phase2": "phase 2", "dh": "DH", "dpd": "DPD", "ike": "IKE", "bgp": "BGP"}
_MEASURES = ("seconds", "packets", "ratio", "enabled")


def option_name(option: Option, measure: bool = True) -> str:
    """An option as a person writes it, with or without what a number of it counts."""
    words = option.published_as.removeprefix("aws_vpn_tunnel_").split("_")
    counted = words.pop() if words[-1] in _MEASURES else ""
    name = " ".join(_SPELLING.get(word, word) for word in words)
    return name[0].upper() + name[1:] + (f" ({counted})" if measure and counted not in ("", "enabled") else "")


_OPTION_NAMES = {
    key: (option_name(option), PLAIN)
    for option in OPTIONS
    for key in (option.key, option.published_as.removeprefix("aws_vpn_tunnel_"))
}
OPTION_NAME = Column("Option", label="option", words=Words(_OPTION_NAMES), quiet=True, width=230)
IDENTITY = (ACCOUNT, REGION, CONNECTION_ID)
