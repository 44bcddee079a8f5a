"""strongSwan's words for algorithms, as swanctl.conf and ipsec.conf write them.

A proposal is a list of keywords joined by hyphens (`aes256-sha256-modp2048`), several are joined by commas.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from aws_vpn_exporter.devices.settings import NO_GROUP, PHASE1_SETS, PHASE2_SETS, Findings

_GROUPS = {
    **{f"modp{bits}": group for bits, group in ((768, 1), (1024, 2), (1536, 5), (2048, 14), (3072, 15), (4096, 16))},
    **{f"modp{bits}": group for bits, group in ((6144, 17), (8192, 18))},
    "modp1024s160": 22,
    "modp2048s224": 23,
    "modp2048s256": 24,
    "ecp192": 25,
    "ecp224": 26,
    "ecp256": 19,
    "ecp384": 20,
    "ecp521": 21,
    "ecp224bp": 27,
    "ecp256bp": 28,
    "ecp384bp": 29,
    "ecp512bp": 30,
    "curve25519": 31,
    "x25519": 31,
    "curve448": 32,
    "x448": 32,
    "mlkem512": 35,
    "mlkem768": 36,
    "mlkem1024": 37,
}
"""strongSwan's key exchange keywords to the IANA numbers that AWS uses as well."""

_INTEGRITY = {
    "sha": "SHA1",
    "sha1": "SHA1",
    "md5": "MD5",
    "aesxcbc": "AES-XCBC",
    "aescmac": "AES-CMAC",
    **{f"sha{spelling}{bits}": f"SHA2-{bits}" for spelling in ("", "2_") for bits in (256, 384, 512)},
}
_ENCRYPTION = {
    "aes": "AES128",
    "3des": "3DES",
    "des": "DES",
    "null": "NULL",
    "chacha20poly1305": "CHACHA20-POLY1305",
    **{f"aes{bits}": f"AES{bits}" for bits in (128, 192, 256)},
    **{f"aes{bits}ctr": f"AES{bits}-CTR" for bits in (128, 192, 256)},
    **{f"camellia{bits}": f"CAMELLIA{bits}" for bits in (128, 192, 256)},
}
_AEAD = {
    f"aes{bits}{mode}{spelling}": f"AES{bits}-{mode.upper()}-{octets}"
    for bits in (128, 192, 256)
    for mode in ("gcm", "ccm")
    for octets in (8, 12, 16)
    for spelling in (str(octets), str(octets * 8), *([""] if octets == 16 else []))
} | {"chacha20poly1305": "CHACHA20-POLY1305"}


@dataclass
class _Proposal:
    encryption: set[str] = field(default_factory=set)
    integrity: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    aead: bool = False


def phase1(found: Findings, said: str, line: int, key: str) -> None:
    """States what the proposals of phase 1 offer; a word that is not understood leaves all of them unknown."""
    for proposal in _proposals(found, said, line, key, PHASE1_SETS):
        _state(found, proposal, line, key, PHASE1_SETS)
        if proposal.aead:
            found.gap(line, "a proposal with an AEAD cipher (such as GCM) names no integrity algorithm but a PRF")


def phase2(found: Findings, said: str, line: int, key: str) -> None:
    """The same of phase 2, where a proposal may have no Diffie-Hellman group."""
    for proposal in _proposals(found, said, line, key, PHASE2_SETS):
        proposal.groups = proposal.groups or {NO_GROUP}
        _state(found, proposal, line, key, PHASE2_SETS)


def _proposals(found: Findings, said: str, line: int, key: str, options: tuple[str, ...]) -> Iterator[_Proposal]:
    for proposal in said.lower().split(","):
        if proposal.strip() == "default":
            found.gap(line, f"leaves {key} to strongSwan's default, which depends on its release", *options)
        else:
            yield _proposal(found, proposal.strip(), line, key, options)


def _proposal(found: Findings, said: str, line: int, key: str, options: tuple[str, ...]) -> _Proposal:
    proposal = _Proposal()
    for word in said.split("-"):
        if word in _AEAD:
            proposal.aead = True
            proposal.encryption.add(_AEAD[word])
        elif word in _ENCRYPTION:
            proposal.encryption.add(_ENCRYPTION[word])
        elif word in _INTEGRITY:
            proposal.integrity.add(_INTEGRITY[word])
        elif word in _GROUPS:
            proposal.groups.add(str(_GROUPS[word]))
        elif word in ("none", "modpnone"):
            proposal.groups.add(NO_GROUP)
        elif re.fullmatch(r"ke[1-7]_[a-z0-9]+", word):
            found.gap(line, f"{key} has further key exchanges, which are not read")
        elif not re.fullmatch(r"prf[a-z0-9]+", word) and word not in ("esn", "noesn"):
            found.gap(line, f"{key} has a word that is not understood", *options)
    return proposal


def _state(found: Findings, proposal: _Proposal, line: int, key: str, options: tuple[str, ...]) -> None:
    sets = (proposal.encryption, proposal.integrity, proposal.groups)
    for option, words in zip(options, sets, strict=True):
        if words:
            found.words(option, words, f"{key} (line {line})")


def is_group(word: str) -> bool:
    """Whether the keyword is a Diffie-Hellman group, or says that there is none."""
    return word in _GROUPS or word in ("none", "modpnone")


def group_word(number: str) -> str:
    """The keyword for a group's number; the number itself, which is no keyword, where strongSwan has none."""
    return next((word for word, group in _GROUPS.items() if str(group) == number), number)
