"""Does every tunnel meet the rules, and which options has somebody changed."""

from collections.abc import Iterator, Sequence

from aws_vpn_exporter.options import OPTIONS, Option, text
from grafana.board import Board, Section
from grafana.panels import BLUE, ORANGE, PLAIN, Column, Steps, Words, number, rows
from grafana.queries import CONNECTIONS, ID, TUNNEL_ID, count, named, newest, one, read
from grafana.vocabulary import (
    AGREEMENT,
    CHECK,
    IDENTITY,
    NAME,
    NEGOTIATED_AS,
    OPTION_NAME,
    PERMITTED,
    SWITCH,
    TUNNEL_IP,
    nothing_read,
    option_name,
    spelled,
)

# RFC 8247 and RFC 9395: too short, of unclear origin, or no longer to be used.
_WEAK_GROUPS = "2|5|22|23|24"
_NAMES = Column("", expr=newest("aws_vpn_connection_info", CONNECTIONS, f"{ID}, name"), hidden=True)


def _check(control: str) -> str:
    return newest(f"vpn_connection:security_hub_{control}:passed", CONNECTIONS)


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
        colors=((None, PLAIN), (1, ORANGE)),
        empty="Nothing recorded",
    ),
    number(
        "EC2.171 fails: logging",
        "Connections with a tunnel that does not log to CloudWatch Logs. Needs the recording rules.",
        count(f"{_check('ec2_171')} == 0", _check("ec2_171")),
        colors=((None, PLAIN), (1, ORANGE)),
        empty="Nothing recorded",
    ),
    number(
        "EC2.183 fails: IKEv2 only",
        "Connections with a tunnel that permits IKEv1. Needs the recording rules.",
        count(f"{_check('ec2_183')} == 0", _check("ec2_183")),
        colors=((None, PLAIN), (1, ORANGE)),
        empty="Nothing recorded",
    ),
    number(
        "SHA-1 permitted",
        "Connections with a tunnel that permits SHA-1 for integrity in phase 1 or 2. AWS's default permits it.",
        count(f"({_SHA1}) == 1"),
        colors=((None, PLAIN), (1, ORANGE)),
        width=3,
    ),
    number(
        "Weak groups permitted",
        f"Connections with a tunnel that permits a Diffie-Hellman group out of {_WEAK_GROUPS.replace('|', ', ')} in "
        "phase 1 or 2: RFC 8247 advises against them. AWS's default permits them.",
        count(f"({_WEAK}) == 1"),
        colors=((None, PLAIN), (1, ORANGE)),
        width=3,
    ),
    number(
        "Weak values in use",
        "Connections with a tunnel that has negotiated IKEv1, SHA-1 or one of those groups. Needs the exporter's block "
        "negotiated.",
        count(f"max by ({ID}) ({_WEAK_IN_USE})", read("negotiated")),
        colors=((None, PLAIN), (1, ORANGE)),
        empty="Not read in full",
        width=3,
    ),
    number(
        "Drift",
        "Connections with an option at AWS that differs from the customer gateway's, as a policy in the exporter's "
        "configuration states it.",
        count(f"{_DRIFT} == 1"),
        colors=((None, PLAIN), (1, ORANGE)),
        width=3,
    ),
)

COMPLIANCE = rows(
    "Compliance of each connection",
    "One row for each connection in service. EC2.20: two tunnels are up. EC2.171: every tunnel logs. EC2.183: every "
    "tunnel is IKEv2 only. Security Hub itself may take a day to say the same. SHA-1 and weak groups: permitted by a "
    "tunnel in phase 1 or 2. Drift: empty where no policy states the customer gateway's options.",
    (
        NAME,
        Column("EC2.20 two tunnels", expr=_check("ec2_20"), words=CHECK, width=150),
        Column("EC2.171 logging", expr=_check("ec2_171"), words=CHECK, width=130),
        Column("EC2.183 IKEv2 only", expr=_check("ec2_183"), words=CHECK, width=140),
        Column("SHA-1", expr=_SHA1, words=PERMITTED, width=110),
        Column("Weak DH groups", expr=_WEAK, words=PERMITTED, width=130),
        Column("Drift", expr=_DRIFT, words=AGREEMENT, width=90),
        *IDENTITY,
        # Names of those in service: the others have no options to judge.
        Column(
            "",
            expr=f"{_NAMES.expr}\nand on ({ID}) {newest('aws_vpn_connection_tunnels_expected', CONNECTIONS)}",
            hidden=True,
        ),
    ),
    sort=("EC2.20 two tunnels", False),
    empty="No VPN connection is in service here",
    height=11,
)

_WORDS = tuple(option for option in OPTIONS if not (option.is_number or option.is_switch))
_NUMBERS = tuple(option for option in OPTIONS if option not in _WORDS)


def _drifted(option: Option) -> str:
    """AWS's value of an option on the tunnels where it differs; it brings the label `option`, words also `setting`."""
    metric = "aws_vpn_tunnel_options_info" if option in _WORDS else option.published_as
    differing = f'aws_vpn_tunnel_option_mismatch{{{CONNECTIONS}, option="{option.key}"}} == 1'
    found = f"{metric}{{{CONNECTIONS}}} and on ({TUNNEL_ID}) ({differing})"
    if option in _WORDS:
        found = f'label_replace({found}, "setting", "$1", "{option.published_as}", "(.*)")'
    return f'label_replace({found}, "option", "{option.key}", "", "")'


def _at_aws(options: Sequence[Option], more: str = "") -> str:
    every = "\n  or ".join(_drifted(option) for option in options)
    return f"max by ({TUNNEL_ID}, option{more}) (\n  {every}\n)"


DRIFT = rows(
    "Drift: options that differ from the customer gateway's",
    "Each option of each tunnel where AWS's value disagrees with what a policy states for the customer gateway. The "
    "exporter's own page shows both sides' values.",
    (
        NAME,
        TUNNEL_IP,
        OPTION_NAME,
        Column("Number at AWS", expr=_at_aws(_NUMBERS), unit="none", width=130),
        Column("Words at AWS", label="setting", width=260),
        Column("", expr=_at_aws(_WORDS, ", setting"), hidden=True),
        *IDENTITY,
        Column(
            "",
            expr=named(
                f"{newest('aws_vpn_tunnel_option_mismatch', CONNECTIONS, f'{TUNNEL_ID}, option')} == 1", CONNECTIONS
            ),
            hidden=True,
        ),
    ),
    empty="No option is known to differ: policies in the exporter's configuration state what to compare with",
    height=7,
)

NEGOTIATED = rows(
    "Negotiated by each tunnel",
    "One row for each tunnel that the exporter has asked AWS about: on what the two sides agreed, blank while the "
    "tunnel is down. Orange: IKEv1, SHA-1 or a weak Diffie-Hellman group is not only permitted, but in use.",
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
                width=150,
            )
            for label in NEGOTIATED_AS.values()
        ),
        Column("Provisioning", label="provisioning_status", width=110),
        *IDENTITY,
        Column(
            "",
            expr=named(
                one(
                    "aws_vpn_tunnel_negotiated_info",
                    CONNECTIONS,
                    TUNNEL_ID,
                    ", ".join((*NEGOTIATED_AS.values(), "provisioning_status")),
                ),
                CONNECTIONS,
            ),
            hidden=True,
        ),
    ),
    empty=nothing_read("negotiated"),
)


def _unit(option: Option) -> str:
    return "percentunit" if option.scale != 1 else "s" if option.published_as.endswith("seconds") else "none"


def _but(default: float, step: float) -> Steps:
    """Colours every value but the default."""
    return ((None, BLUE), (default, PLAIN), (default + step, BLUE))


def _number_columns() -> Iterator[Column]:
    for option in _NUMBERS:
        if option.is_number and isinstance(option.default, int):
            yield Column(
                option_name(option, measure=False),
                expr=newest(option.published_as, CONNECTIONS, TUNNEL_ID),
                unit=_unit(option),
                colors=_but(option.default * option.scale, option.scale),
                width=140,
            )
    for option in _NUMBERS:
        if option.is_switch:
            yield Column(
                option_name(option, measure=False),
                expr=newest(option.published_as, CONNECTIONS, TUNNEL_ID),
                words=SWITCH,
                quiet=True,
                width=130,
            )


NUMBERS = rows(
    "Numbers and switches of each tunnel",
    "One row for each tunnel. Blue: somebody has set it to something else than the default that AWS documents. "
    "An option that nobody has set shows that default.",
    (
        NAME,
        TUNNEL_IP,
        *_number_columns(),
        *IDENTITY,
        Column("", expr=named(newest("aws_vpn_tunnel_options_info", CONNECTIONS, TUNNEL_ID), CONNECTIONS), hidden=True),
    ),
    empty="AWS reports no tunnel options here",
    height=10,
)

WORDS = rows(
    "Words and sets of each tunnel",
    "One row for each tunnel: all that AWS permits. Blue: somebody has set it to something else than the default that "
    "AWS documents. An option that nobody has set shows that default.",
    (
        NAME,
        TUNNEL_IP,
        *(
            Column(
                option_name(option, measure=False),
                label=option.published_as,
                changed_from=text(option.default),
                width=180,
            )
            for option in _WORDS
        ),
        *IDENTITY,
        Column(
            "",
            expr=named(
                newest(
                    "aws_vpn_tunnel_options_info",
                    CONNECTIONS,
                    ", ".join((TUNNEL_ID, *(option.published_as for option in _WORDS))),
                ),
                CONNECTIONS,
            ),
            hidden=True,
        ),
    ),
    empty="AWS reports no tunnel options here",
    height=10,
)

OPTIONS_BOARD = Board(
    uid="aws-vpn-options",
    title="AWS VPN / Options and compliance",
    description="What Security Hub says about each AWS VPN connection, weak cryptography, drift, and every option.",
    sections=(
        Section("", (*COUNTS, COMPLIANCE)),
        Section("Against the customer gateway", (DRIFT, NEGOTIATED)),
        Section("Every option", (NUMBERS, WORDS)),
    ),
    connections="many",
)
