"""What to say of a file that no reader knows: what it looks like, and what would be right. None of its text is said."""

import re
from collections.abc import Iterable

from aws_vpn_exporter.devices.source import Source

_LOOKS_LIKE = (
    (r"^(set security (ike|ipsec) |security[ \t]*\{)", "a Junos configuration"),
    (r"^set (network ike|deviceconfig|network tunnel ipsec) ", "a PAN-OS configuration in set form"),
    (r"<config [^>]{0,200}urldb=|<ike-crypto-profiles>", "a PAN-OS configuration in XML"),
    (r"^/ip[ /]ipsec", "a MikroTik RouterOS export"),
    (r"<vpn_connection[ >]", "AWS's description of the connection in XML, which holds AWS's side and not the device's"),
    (r"<pfsense>|<opnsense>", "a pfSense or OPNsense backup"),
    (r"^\S+ \S+ ?: PSK |^: PSK ", "ipsec.secrets, which holds keys; the file with the connections is ipsec.conf"),
    (r"^[ \t]*secrets[ \t]*\{", "a part of swanctl.conf with secrets; name the file with `connections`"),
    (r"^[ \t]*charon[ \t]*\{", "strongswan.conf, which holds no connections; name swanctl.conf or ipsec.conf"),
    (r"^(version \d+\.\d+|hostname \S+)[ \t]*$", "a router's configuration without IPsec"),
    (r"\A\s*[{\[]", "JSON or a structured file of another kind"),
    (r"\A\s*<", "XML or HTML"),
)


def refusal(source: Source, titles: Iterable[str]) -> str:
    """Why the file is not read; `titles` are the formats that are."""
    *most, last = titles
    formats = f"{', '.join(most)} or {last}"
    text = "\n".join(line for line in source.texts if not line.lstrip().startswith("#"))
    if not text.strip() and source.includes:
        return (
            "it only includes other files, which hold no connections or are not read: name the one with `connections` "
            f"(swanctl.conf) or `conn` (ipsec.conf){_unread(source)}"
        )
    if not text.strip():
        return f"the file is empty; it should be {formats}"
    if "\0" in text:
        return f"the file is not a text; it should be {formats}"
    seen = next((what for pattern, what in _LOOKS_LIKE if re.search(pattern, text, re.MULTILINE)), "")
    if source.includes:
        hint = f"; it includes other files, too: name the one with `connections` or `conn`{_unread(source)}"
        return f"the file's format is not known; it should be {formats}{hint}"
    if seen:
        return f"this is {seen}; it should be {formats}"
    return f"the file's format is not known; it should be {formats}"


def _unread(source: Source) -> str:
    return "".join(f"; line {line}: {why}" for line, why in source.unread[:3])
