"""Finds the real programs that some tests run against; `tools/real-parts.sh` fetches most of them."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
FETCHED = REPOSITORY / ".cache" / "real-parts"


def find(name: str, old: bool = False) -> Path:
    """Return the path of a program, or skip the test; in CI a missing program fails it instead.

    `old` asks for the version of Debian bookworm. It is never taken from PATH: nobody knows how old that one is.
    """
    fetched = FETCHED / ("old/bin" if old else "bin") / name
    if fetched.is_file():
        return fetched
    on_path = None if old else shutil.which(name)
    if not on_path:
        missing(f"{'the old ' if old else ''}{name} is not here: run tools/real-parts.sh, or install it")
    return Path(on_path)


def missing(reason: str) -> NoReturn:
    """Skip where a person runs the tests, fail where a machine does: CI must not go green on untested parts."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
