"""Does every tunnel meet the rules, and which options has somebody changed."""

from grafana.board import Board, Section
from grafana.panels import CALM, ORANGE, Words, number
from grafana.queries import CONNECTIONS, ID, TUNNEL_ID, count, identities, named, newest, one, read
from grafana.settings import settings
from grafana.tables import NONE, Column, Facts, rows
from grafana.vocabulary import (
    ACCOUNT,
    AGREEMENT,
    CHECK,
    CONNECTION_ID,
    IDENTITY_LABELS,
    NAME,
    NEGOTIATED_AS,
    OPTION_NAME,
    PERMITTED,
    REGION,
    TUNNEL_IP,
    nothing_read,
    spelled,
)

_TUNNEL = ("vpn_connection_id", "tunnel_ip")
_OPTION = (*_TUNNEL, "option")
_AGREED = (*NEGOTIATED_AS.values(), "provisioning_status")
# RFC 8247 and RFC 9395: too short, of unclear origin, or no longer to be used.
_WEAK_GROUPS = "2|5|22|23|24"


def _check(control: str) -> str:
    return newest(f"vpn_connection:security_hub_{control}:passed", CONNECTIONS)


def _verdict(control: str) -> str:
    """The same of every connection in service: Security Hub does not judge one that AWS is modifying."""
    return f"{_check(control)}\nor 2 + 0 * {newest('aws_vpn_connection_tunnels_expected', CONNECTIONS)}"


def _permits(**sets: str) -> str:
    """1 for each connection with a tunnel that permits one of the words in one of the sets, 0 for all others."""
    permitting = " or ".join(
        f'aws_vpn_tunnel_options_info{{{CONNECTIONS}, {label}=~"(.+,)?({words})(,.+)?"}}'
        for label, words in sets.items()
    )
    return f"max by ({ID}) ({permitting})\nor 0 * {newest('aws_vpn_tunnel_options_info', CONNECTIONS)}"


_SHA1 = _permits(phase1_integrity="SHA1", phase2_integrity="SHA1")
_WEAK = _permits(phase1_dh_groups=_WEAK_GROUPS, phase2_dh_groups=_WEAK_GROUPS)
_DRIFT = newest("aws_vpn_tunnel_option_mismatch", CONNECTIONS)
_WEAK_VALUES = {
    "ike_version": "ikev1",
    "phase1_integrity": "SHA1",
    "phase1_dh_group": _WEAK_GROUPS,
    "phase2_integrity": "SHA1",
    "phase2_dh_group": _WEAK_GROUPS,
}
"""By the label that says what was negotiated."""
_WEAK_IN_USE = " or ".join(
    f'aws_vpn_tunnel_negotiated_info{{{CONNECTIONS}, {label}=~"{weak}"}}' for label, weak in _WEAK_VALUES.items()
)

COUNTS = (
    number(
        "EC2.20 fails: two tunnels up",
        "Connections that Security Hub's EC2.20 fails: fewer than two tunnels up. It knows no connection that is meant "
        "to have one tunnel. Needs the recording rules.",
        count(f"{_check('ec2_20')} == 0", _check("ec2_20")),
        colors=((None, CALM), (1, ORANGE)),
        empty="Nothing recorded",
    ),
    number(
        "EC2.171 fails: logging",
        "Connections with a tunnel that does not log to CloudWatch Logs. Needs the recording rules.",
        count(f"{_check('ec2_171')} == 0", _check("ec2_171")),
        colors=((None, CALM), (1, ORANGE)),
        empty="Nothing recorded",
    ),
    number(
        "EC2.183 fails: IKEv2 only",
        "Connections with a tunnel that permits IKEv1. Needs the recording rules.",
        count(f"{_check('ec2_183')} == 0", _check("ec2_183")),
        colors=((None, CALM), (1, ORANGE)),
        empty="Nothing recorded",
    ),
    number(
        "SHA-1 permitted",
        "Connections with a tunnel that permits SHA-1 for integrity in phase 1 or 2. AWS's default permits it.",
        count(f"({_SHA1}) == 1"),
        colors=((None, CALM), (1, ORANGE)),
        width=3,
    ),
    number(
        "Weak DH groups",
        f"Connections with a tunnel that permits a Diffie-Hellman group out of {_WEAK_GROUPS.replace('|', ', ')} in "
        "phase 1 or 2: RFC 8247 advises against them. AWS's default permits them.",
        count(f"({_WEAK}) == 1"),
        colors=((None, CALM), (1, ORANGE)),
        width=3,
    ),
    number(
        "Weak values in use",
        "Connections with a tunnel that has negotiated IKEv1, SHA-1 or one of those groups. Needs the exporter's block "
        "negotiated.",
        count(f"max by ({ID}) ({_WEAK_IN_USE})", read("negotiated")),
        colors=((None, CALM), (1, ORANGE)),
        empty="Not read in full",
        width=3,
    ),
    number(
        "Drift",
        "Connections with an option at AWS that differs from the customer gateway's, as a policy in the exporter's "
        "configuration states it.",
        count(f"{_DRIFT} == 1"),
        colors=((None, CALM), (1, ORANGE)),
        width=3,
    ),
)

COMPLIANCE = rows(
    "Compliance of each connection",
    "One row for each connection in service. EC2.20: two tunnels are up. EC2.171: every tunnel logs. EC2.183: every "
    "tunnel is IKEv2 only. Not judged: AWS is modifying the connection, or no recording rules are loaded. SHA-1 and "
    "weak groups: permitted by a tunnel in phase 1 or 2. Drift: empty where no policy states the customer gateway's "
    "options.",
    (
        NAME,
        Column("EC2.20 two tunnels", expr=_verdict("ec2_20"), words=CHECK, width=165),
        Column("EC2.171 logging", expr=_verdict("ec2_171"), words=CHECK, width=150),
        Column("EC2.183 IKEv2 only", expr=_verdict("ec2_183"), words=CHECK, width=160),
        Column("SHA-1", expr=_SHA1, words=PERMITTED, width=120),
        Column("Weak DH groups", expr=_WEAK, words=PERMITTED, width=150),
        Column("Drift", expr=_DRIFT, words=AGREEMENT, width=100),
        ACCOUNT,
        REGION,
        CONNECTION_ID,
    ),
    key=("vpn_connection_id",),
    # Of those in service: the others have no options to judge.
    facts=(
        Facts(
            IDENTITY_LABELS,
            f"{identities(CONNECTIONS)}\nand on ({ID}) {newest('aws_vpn_connection_tunnels_expected', CONNECTIONS)}",
        ),
    ),
    sort=(("EC2.20 two tunnels", False), ("Connection", False)),
    empty="No VPN connection is in service here",
    height=11,
)

DRIFT = rows(
    "Drift: options that differ from the customer gateway's",
    "Each option of each tunnel where AWS's value disagrees with what a policy states for the customer gateway.",
    (
        NAME,
        TUNNEL_IP,
        OPTION_NAME,
        Column("At AWS", label="at_aws"),
        Column("At the customer gateway", label="at_gateway"),
        ACCOUNT,
        REGION,
    ),
    key=_OPTION,
    facts=(
        Facts(
            (*IDENTITY_LABELS, "tunnel_ip", "option", "at_aws", "at_gateway"),
            named(
                one("aws_vpn_tunnel_option_sides_info", CONNECTIONS, f"{TUNNEL_ID}, option", "at_aws, at_gateway")
                + f"\nand on ({TUNNEL_ID}, option) (aws_vpn_tunnel_option_mismatch{{{CONNECTIONS}}} == 1)",
                CONNECTIONS,
            ),
        ),
    ),
    sort=(("Connection", False), ("Option", False)),
    empty="No option is known to differ: policies in the exporter's configuration state what to compare with",
    height=7,
)

NEGOTIATED = rows(
    "Negotiated by each tunnel",
    "One row for each tunnel that the exporter has asked AWS about: on what the two sides agreed, "
    f"{NONE} while the tunnel is down. Orange: IKEv1, SHA-1 or a weak Diffie-Hellman group is not only permitted, but "
    "in use.",
    (
        NAME,
        TUNNEL_IP,
        *(
            Column(
                spelled(label),
                label=label,
                words=Words({word: (word, ORANGE) for word in _WEAK_VALUES[label].split("|")})
                if label in _WEAK_VALUES
                else None,
                quiet=True,
                width=140,
            )
            for label in NEGOTIATED_AS.values()
        ),
        Column("Provisioning", label="provisioning_status"),
        REGION,
    ),
    key=_TUNNEL,
    facts=(
        Facts(
            (*IDENTITY_LABELS, "tunnel_ip", *_AGREED),
            named(one("aws_vpn_tunnel_negotiated_info", CONNECTIONS, TUNNEL_ID, ", ".join(_AGREED)), CONNECTIONS),
        ),
    ),
    sort=(("Connection", False), ("Tunnel (outside IP)", False)),
    empty=nothing_read("negotiated"),
)

_CHANGED = settings(CONNECTIONS, TUNNEL_ID, changed_only=True)
_NO_CHANGE = "Every option of every tunnel is at AWS's default"
_DEFAULT = Column("AWS's default", label="default")

HABITS = rows(
    "Settings off AWS's default",
    "Each setting that is not what AWS documents as the option's default, and how many tunnels have it.",
    (
        OPTION_NAME,
        Column("Tunnels", expr=f"count by (option, setting, default) ({_CHANGED})", unit="none", width=80),
        Column("Setting", label="setting"),
        _DEFAULT,
    ),
    key=("option", "setting"),
    facts=(Facts(("option", "setting", "default"), _CHANGED),),
    sort=(("Option", False), ("Tunnels", True)),
    empty=_NO_CHANGE,
    height=12,
)

CHANGED = rows(
    "Each tunnel's settings off AWS's default",
    "One row for each option of each tunnel that somebody has set to something else than AWS's default.",
    (NAME, TUNNEL_IP, OPTION_NAME, Column("Setting", label="setting"), _DEFAULT, ACCOUNT, REGION),
    key=_OPTION,
    facts=(Facts((*IDENTITY_LABELS, "tunnel_ip", "option", "setting", "default"), named(_CHANGED, CONNECTIONS)),),
    sort=(("Connection", False), ("Tunnel (outside IP)", False), ("Option", False)),
    empty=_NO_CHANGE,
    height=18,
)

OPTIONS_BOARD = Board(
    uid="aws-vpn-options",
    title="AWS VPN / Options and compliance",
    description="What Security Hub says about each AWS VPN connection, weak cryptography, drift, and changed options.",
    sections=(
        Section("", (*COUNTS, COMPLIANCE)),
        Section("Against the customer gateway", (DRIFT, NEGOTIATED)),
        # Of a large fleet these ask Prometheus more than all the others together.
        Section("What somebody has changed: open to ask", (HABITS, CHANGED), closed=True),
    ),
    connections="many",
)
