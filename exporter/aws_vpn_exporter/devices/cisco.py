"""What Cisco IOS and ASA have in common: commands with further commands in them, and words for algorithms."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from aws_vpn_exporter.devices.settings import Findings, address
from aws_vpn_exporter.devices.source import Line, Source

Words = tuple[str, ...]

Translate = Callable[[Words], list[str] | None]
"""A command's words in AWS's; None where one is not understood."""

ENCRYPTION = {"des": "DES", "3des": "3DES", "aes": "AES128", "null": "NULL"}
ENCRYPTION |= {f"aes-{bits}": f"AES{bits}" for bits in (192, 256)}
ENCRYPTION |= {f"aes-cbc-{bits}": f"AES{bits}" for bits in (128, 192, 256)}
ENCRYPTION |= {f"aes-gcm-{bits}": f"AES{bits}-GCM-16" for bits in (128, 192, 256)}
ENCRYPTION |= {"aes-gcm": "AES128-GCM-16"}
INTEGRITY = {"md5": "MD5", "sha": "SHA1", "sha1": "SHA1", "sha-1": "SHA1"}
INTEGRITY |= {f"sha{dash}{bits}": f"SHA2-{bits}" for bits in (256, 384, 512) for dash in ("", "-")}
SIZES = ("128", "192", "256")

_MOST_WORDS = 64


@dataclass
class Block:
    """A command that is read: how it begins, its line, the words that follow, and the commands in it."""

    start: Words
    line: Line
    words: Words
    inside: list[tuple[Line, Words]] = field(default_factory=list)

    def all(self, *start: str) -> Iterator[tuple[Line, Words]]:
        """The commands in it that begin with these words: the line, and the words that follow."""
        for line, words in self.inside:
            if words[0].lower() == start[0] and begins(words, start):
                yield line, words[len(start) :]

    def last(self, *start: str) -> tuple[Line, Words] | None:
        """The last of these commands, which holds where a device takes one only; None where there is none."""
        return next(reversed(list(self.all(*start))), None)

    def is_on(self, *start: str) -> bool:
        """Whether the command stands in it, and no later `no` takes it back."""
        on = False
        for _, words in self.inside:
            if begins(words, start):
                on = True
            elif words[0].lower() == "no" and begins(words[1:], start):
                on = False
        return on


class Device:
    """The commands of the whole file: by how they begin, and by name, in which upper and lower case differ."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._blocks: dict[Words, list[Block]] = {}
        self._named: dict[tuple[Words, str], Block] = {}
        for block in blocks:
            self._blocks.setdefault(block.start, []).append(block)
            if block.words:
                self._named.setdefault((block.start, block.words[0]), block)

    def all(self, *start: str) -> list[Block]:
        """The commands that begin with these words."""
        return self._blocks.get(start, [])

    def named(self, name: str, *start: str) -> Block | None:
        """The command of this kind and name."""
        return self._named.get((start, name))


def begins(words: Words, start: Words) -> bool:
    """Whether the words begin with these, in upper or lower case."""
    return tuple(word.lower() for word in words[: len(start)]) == start


def blocks(source: Source, opens: Callable[[Words], Words], closes: Callable[[Words], bool]) -> Iterator[Block]:
    """The commands that `opens` names by how they begin; what follows belongs to them until the next that closes."""
    block: Block | None = None
    for line, text in zip(source.lines, source.texts, strict=True):
        words = tuple(text.split(maxsplit=_MOST_WORDS))[:_MOST_WORDS]
        if not words or words[0].startswith("!"):
            continue
        start = opens(words)
        if start or closes(words):
            if block:
                yield block
            block = Block(start, line, words[len(start) :]) if start else None
        elif block:
            block.inside.append((line, words))
    if block:
        yield block


def addresses(words: Words) -> list[str]:
    """The addresses among the words."""
    return [found for found in map(address, words) if found]


def number(words: Words) -> int | None:
    """The number that the words begin with."""
    return int(words[0]) if words and re.fullmatch(r"[0-9]{1,9}", words[0], re.ASCII) else None


def suite(
    found: Findings, block: Block, command: str, lines: list[tuple[Line, Words]], translate: Translate, option: str
) -> None:
    """States what a command of the block sets; without the command the release's default applies, which is a gap."""
    if not lines:
        found.gap(block.line, f"has no {command}: the default depends on the release", option)
    for line, words in lines:
        known = translate(words)
        if known is None:
            found.gap(line, f"this {command} is not understood", option)
        else:
            found.words(option, known, f"{command} (line {line})")


def lifetime(
    found: Findings, block: Block, stated: tuple[Line, Words] | None, option: str, default: int | None
) -> None:
    """States a lifetime in seconds, or the default; without one that all releases share it is a gap."""
    if stated:
        line, words = stated
        seconds = number(words)
        if seconds is None:
            found.gap(line, "this lifetime is not understood", option)
        else:
            found.number(option, seconds, f"lifetime (line {line})")
    elif default is None:
        found.gap(block.line, "has no lifetime: the default depends on the release", option)
    else:
        found.number(option, default, f"no lifetime (line {block.line}), which is {default} s")


def pfs(found: Findings, block: Block, none: str) -> None:
    """States the group of `set pfs`; `none` is the word for phase 2 without one."""
    option = "Phase2DHGroupNumbers"
    stated = block.last("set", "pfs")
    if not stated:
        found.words(option, [none], f"no set pfs (line {block.line})")
        return
    line, words = stated
    match = re.fullmatch(r"group([1-9][0-9]?)", words[0].lower(), re.ASCII) if words else None
    if match:
        found.words(option, [match[1]], f"set pfs (line {line})")
    else:
        found.gap(line, "names no group for PFS: the default depends on the release", option)


def translated(words: Words, table: dict[str, str]) -> list[str] | None:
    """All words in AWS's, where each is understood."""
    known = [table.get(word.lower()) for word in words]
    return [word for word in known if word] if known and all(known) else None


def encryption(words: Words) -> list[str] | None:
    """Encryption algorithms."""
    return translated(words, ENCRYPTION)


def integrity(words: Words) -> list[str] | None:
    """Integrity algorithms."""
    return translated(words, INTEGRITY)


def groups(words: Words) -> list[str] | None:
    """Diffie-Hellman groups."""
    plain = all(re.fullmatch(r"[1-9][0-9]?", word, re.ASCII) for word in words)
    return list(words) if words and plain else None


def transform(found: Findings, line: Line, words: Iterable[str], where: str, options: Words) -> None:
    """States the words of a transform-set, such as `esp-aes 256 esp-sha-hmac`; `options` are phase 2's sets."""
    said = [word.lower() for word in words]
    origin = f"{where} (line {line})"
    for at, word in enumerate(said):
        size = said[at + 1] if said[at + 1 : at + 2] and said[at + 1] in SIZES else "128"
        plain = word.removeprefix("esp-")
        if word == "esp-aes":
            found.words(options[0], [f"AES{size}"], origin)
        elif word == "esp-gcm":
            found.words(options[0], [f"AES{size}-GCM-16"], origin)
        elif word.startswith("esp-") and plain in ENCRYPTION:
            found.words(options[0], [ENCRYPTION[plain]], origin)
        elif word.startswith("esp-") and word.endswith("-hmac") and plain[:-5] in INTEGRITY:
            found.words(options[1], [INTEGRITY[plain[:-5]]], origin)
        elif word not in SIZES:
            found.gap(line, f"the {where} has a word that is not understood", *options[:2])
