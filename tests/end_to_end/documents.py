"""The fenced blocks of a document, and running them as a reader would: one shell for each document."""

import re
import shlex
import subprocess
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_ENDED = re.compile(r"^@@ block (\d+) ended with (\d+)$", re.MULTILINE)

ELSEWHERE = re.compile(r"^(ping|tcpdump|ike-scan) ", re.MULTILINE)
"""Commands for a host at the site, which has the tunnel or its outside interface; here their syntax is checked."""


class Block(NamedTuple):
    """A fenced block."""

    language: str
    text: str


def blocks(document: Path, *languages: str) -> list[Block]:
    """The document's fenced blocks in these languages."""
    found = (Block(m["language"], textwrap.dedent(m["text"])) for m in _FENCE.finditer(document.read_text()))
    return [block for block in found if block.language in languages]


class Outcome(NamedTuple):
    """What the commands of a document printed, and the exit code of each block's last command."""

    output: str
    codes: Mapping[int, int]


def run_blocks(commands: list[str], folder: Path, environment: Mapping[str, str]) -> Outcome:
    """Runs the blocks in one bash, so that names set in one are known in the next."""
    script = "\n".join(
        f"{{\n{text}\n}}\necho '@@ block {number} ended with '$?" for number, text in enumerate(commands)
    )
    done = subprocess.run(
        ["bash", "-c", script.replace("ended with '$?", 'ended with \'"$?"')],
        cwd=folder,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=280,
    )
    codes = {int(number): int(code) for number, code in _ENDED.findall(done.stdout)}
    return Outcome(done.stdout + done.stderr, codes)


def syntax_error(text: str) -> str:
    """What bash says about a block that is not run here; "" if it is well formed."""
    return subprocess.run(["bash", "-n", "-c", text], capture_output=True, text=True, timeout=20).stderr


def stand_in(folder: Path, name: str, script: str) -> None:
    """Puts a program `name` into the folder."""
    program = folder / name
    program.write_text(f"#!/bin/bash\n{script}\n")
    program.chmod(0o755)


def kubectl(folder: Path, config: Path) -> None:
    """A kubectl for which this machine is the only pod: `exec` runs its command here; of the rest it takes notice."""
    stand_in(
        folder,
        "kubectl",
        f"""[[ $1 == exec ]] || {{ echo "kubectl $*"; exit 0; }}
while [[ $1 != -- ]]; do shift; done
shift
exec "${{@/#--config.file=*/--config.file={shlex.quote(str(config))}}}" """,
    )
