"""The text of a device's file with what it includes, and where each line of it stands.

strongSwan and Libreswan include other files by the same line, `include PATTERN`, which stands for the text of those
files. It is followed below the folder of the first file only; what is not followed is listed, so that a reader takes no
default for what may stand there.
"""

import os
import re
import stat
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

LARGEST = 1024 * 1024
"""Bytes of a file, and characters of one with all that it includes; a device's configuration is far smaller."""

_MOST_FILES, _DEEPEST, _MOST_ENTRIES = 100, 10, 10_000
_PLAIN_NAME = re.compile(r"[\w./-]{1,80}", re.ASCII)


class DeviceError(Exception):
    """A file that cannot be read as a device's configuration. The message is for a person and holds no text of it."""


class Line(int):
    """A line's place in the whole text; shown as its number in its own file: `3`, or `3 of conf.d/aws.conf`."""

    _shown: str

    def __new__(cls, place: int, shown: str) -> "Line":
        """The line at this place, counted from 1."""
        line = super().__new__(cls, place)
        line._shown = shown
        return line

    def __str__(self) -> str:
        return self._shown

    def __format__(self, _: str) -> str:
        return self._shown

    __repr__ = __str__


@dataclass(frozen=True, slots=True)
class Source:
    """A device's configuration: its lines, where each stands, and the includes that were not followed, with reasons."""

    texts: tuple[str, ...]
    lines: tuple[Line, ...]
    unread: tuple[tuple[Line, str], ...] = ()
    includes: bool = False

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.texts)


def source(text: str, file: Path | None = None) -> Source:
    """The text with what it includes; `file` is where it stands, without which no include can be followed."""
    expansion = _Expansion(file)
    expansion.add(text, file, "", 0)
    return Source(tuple(expansion.texts), tuple(expansion.lines), tuple(expansion.unread), expansion.includes)


def read_text(path: Path, *, pipes: bool = False) -> str:
    """The text of the file, read no further than LARGEST. Raises OSError, or DeviceError for what is no plain file.

    `pipes` allows a pipe, for a person who compares what another command prints.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or (pipes and stat.S_ISFIFO(mode))):
        raise DeviceError("is not a regular file")
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > LARGEST:
            raise DeviceError("the file is larger than 1 MiB; a device's configuration is far smaller")
        return _decoded(file.read(LARGEST + 1))


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8-sig", errors="replace")


class _Expansion:
    """Puts the text together, within the limits."""

    def __init__(self, file: Path | None) -> None:
        self.texts: list[str] = []
        self.lines: list[Line] = []
        self.unread: list[tuple[Line, str]] = []
        self.includes = False
        self._root = file.parent.resolve() if file else None
        self._open = [file.resolve()] if file else []
        self._files = 0
        self._characters = 0

    def add(self, text: str, file: Path | None, name: str, depth: int) -> None:
        """Add the text of a file, whose name is shown beside its lines."""
        self._characters += len(text)
        for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
            here = Line(len(self.lines) + 1, f"{number} of {name}" if name else str(number))
            pattern = _included(line)
            self.texts.append("" if pattern else line)
            self.lines.append(here)
            if pattern:
                self.includes = True
                self._follow(pattern, file, here, depth)

    def _follow(self, pattern: str, file: Path | None, here: Line, depth: int) -> None:
        try:
            for found in self._matching(pattern, file, depth):
                self._take(found, here, depth)
        except (OSError, ValueError, RuntimeError):
            self.unread.append((here, "includes a file that cannot be read"))
        except DeviceError as error:
            self.unread.append((here, str(error)))

    def _matching(self, pattern: str, file: Path | None, depth: int) -> list[Path]:
        if file is None or self._root is None:
            raise DeviceError("includes another file, which is not read")
        if depth >= _DEEPEST:
            raise DeviceError(f"includes another file, {_DEEPEST} deep already, which is not followed")
        folder, name = file.parent / Path(pattern).parent, Path(pattern).name
        if re.search(r"[*?\[]", str(Path(pattern).parent)):
            raise DeviceError("includes files of several folders, which is not followed")
        if not folder.resolve().is_relative_to(self._root):
            raise DeviceError("includes a file outside the folder of this one, which is not read")
        if not folder.is_dir():
            raise DeviceError("includes files of a folder that is not here")
        if not re.search(r"[*?\[]", name):
            return [folder / name]
        with os.scandir(folder) as entries:
            names = [entry.name for entry, _ in zip(entries, range(_MOST_ENTRIES + 1), strict=False)]
        if len(names) > _MOST_ENTRIES:
            raise DeviceError("includes files of a folder that has too many")
        return [folder / found for found in sorted(names) if not found.startswith(".") and fnmatchcase(found, name)]

    def _take(self, path: Path, here: Line, depth: int) -> None:
        real = path.resolve()
        if real in self._open:
            self.unread.append((here, "includes a file that is being read already"))
            return
        if self._root is None or not real.is_relative_to(self._root):
            raise DeviceError("includes a file outside the folder of this one, which is not read")
        self._files += 1
        if self._files > _MOST_FILES:
            raise DeviceError(f"includes more than {_MOST_FILES} files, which is not followed")
        text = read_text(path)
        if self._characters + len(text) > LARGEST:
            raise DeviceError("includes more than 1 MiB in all, which is not followed")
        shown = str(real.relative_to(self._root))
        self._open.append(real)
        self.add(text, path, shown if _PLAIN_NAME.fullmatch(shown) else "an included file", depth + 1)
        self._open.pop()


def _included(line: str) -> str:
    """The pattern of an `include` line; "" for other lines."""
    if not line.lstrip().startswith("include") or len(line) > 1024:
        return ""
    words = line.partition("#")[0].split()
    return words[1].strip('"') if len(words) == 2 and words[0] == "include" else ""
