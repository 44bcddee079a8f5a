"""The syntax of strongSwan's configuration files: nested sections that may take settings over from others.

`name : first, second {` inherits every setting and section of the named ones, whose names are paths from the top of the
file (`templates.aws`); what the section itself sets wins, then what the first sets (strongswan.conf(5)).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_vpn_exporter.devices.settings import Gap
from aws_vpn_exporter.devices.source import Line, Source

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | (?P<include>include[ \t][^\n]*)
      | (?P<close>\})
      | (?P<open>(?P<section>[^\s{}=:,."\#]+)\s*(?P<references>:[^\n{}=\#]{0,256})?\{)
      | (?P<pair>(?P<key>[^\s{}=:,."\#]+)[ \t]*=[ \t]*(?P<value>"(?:[^"\\]|\\.)*"|[^\#}\n]*))
      | (?P<other>[^\s{}]+|\{)""",
    re.VERBOSE | re.DOTALL,
)
_LONGEST_CHAIN, _MOST_STEPS = 50, 200_000


@dataclass
class _Section:
    """A section as it stands in the file: its line, the kept keys with their lines, its sections and references."""

    line: Line
    values: dict[str, tuple[str, Line]] = field(default_factory=dict)
    sections: dict[str, "_Section"] = field(default_factory=dict)
    references: list[str] = field(default_factory=list)


class Tree:
    """The sections of a file. `gaps` are what is not understood in it; only the keys in `kept` hold their values."""

    def __init__(self, source: Source, kept: frozenset[str]) -> None:
        self.gaps: list[Gap] = [Gap(line, why) for line, why in source.unread]
        self._kept = kept
        self._lines = source.lines
        self._top = _Section(source.lines[0])
        self._steps = 0
        self._parse(source.text)
        self.unread = "something that the file includes is not read" if self.gaps else ""

    @property
    def top(self) -> "View":
        """The file as a section."""
        return View(self, [self._top], self.unread)

    def chain(self, sections: list[_Section]) -> tuple[list[_Section], str]:
        """The sections with those that they take settings over from, the ones that win first; why it is incomplete."""
        found: dict[int, _Section] = {}
        todo, incomplete = list(reversed(sections)), ""
        while todo:
            section = todo.pop()
            if id(section) in found:
                continue
            if len(found) == _LONGEST_CHAIN or self.spent(1):
                return list(found.values()), "it takes settings over from too many sections"
            found[id(section)] = section
            targets = [self._find(name) for name in section.references]
            if None in targets:
                incomplete = "it takes settings over from a section that the file does not have"
            todo.extend(target for target in reversed(targets) if target)
        return list(found.values()), incomplete

    def spent(self, steps: int) -> bool:
        """Whether this many more steps of following references are too many, so that no file takes for ever."""
        self._steps += steps
        return self._steps > _MOST_STEPS

    def _find(self, path: str) -> _Section | None:
        here: _Section | None = self._top
        for name in path.split("."):
            here = here.sections.get(name) if here else None
        return here

    def _parse(self, text: str) -> None:
        stack, number = [self._top], 0
        for token in _TOKEN.finditer(text):
            here, line = stack[-1], self._lines[min(number, len(self._lines) - 1)]
            if token["open"]:
                section = here.sections.setdefault(token["section"], _Section(line))  # a repeated one extends the first
                section.references += (token["references"] or "").lstrip(":").replace(",", " ").split()
                stack.append(section)
            elif token["close"]:
                if len(stack) > 1:
                    stack.pop()
                else:
                    self.gaps.append(Gap(line, "a closing brace without its opening one"))
            elif token["pair"] and token["key"] in self._kept:
                here.values[token["key"]] = (token["value"].strip().strip('"'), line)
            elif token["include"]:
                self.gaps.append(Gap(line, "includes another file in the middle of a line, which is not read"))
            elif token["other"]:
                self.gaps.append(Gap(line, "is not understood"))
            number += token[0].count("\n")
        if len(stack) > 1:
            self.gaps.append(Gap(stack[-1].line, "the section that opens here is never closed"))


class View:
    """A section with all that it inherits. `unknown` says why a key that is not there may be set all the same."""

    def __init__(self, tree: Tree, sections: list[_Section], unknown: str) -> None:
        self._tree = tree
        self._chain, incomplete = tree.chain(sections)
        self.unknown = unknown or incomplete
        self.line = sections[0].line

    def value(self, key: str) -> tuple[str, Line] | None:
        """What the key is set to and its line; None where it is set nowhere."""
        return next((section.values[key] for section in self._chain if key in section.values), None)

    def sections(self) -> Mapping[str, "View"]:
        """The sections in it, inherited ones too."""
        found: dict[str, list[_Section]] = {}
        for section in self._chain:
            if self._tree.spent(len(section.sections)):
                self.unknown = "it takes settings over from too many sections"
                break
            for name, inside in section.sections.items():
                found.setdefault(name, []).append(inside)
        return {name: View(self._tree, parts, self.unknown) for name, parts in found.items()}

    def section(self, name: str) -> "View | None":
        """The section of this name; None where there is none."""
        parts = [section.sections[name] for section in self._chain if name in section.sections]
        return View(self._tree, parts, self.unknown) if parts else None
