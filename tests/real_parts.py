"""Finds the real programs that some tests run against; `tools/real-parts.sh` fetches most of them."""

import os
from pathlib import Path
from typing import NoReturn

import pytest

from tools.chain import REPOSITORY, located

__all__ = ["REPOSITORY", "find", "missing"]


def find(name: str, old: bool = False) -> Path:
    """Return the path of a program, or skip the test; in CI a missing program fails it instead.

    `old` asks for the version of Debian bookworm.
    """
    found = located(name, old)
    if not found:
        missing(f"{'the old ' if old else ''}{name} is not here: run tools/real-parts.sh, or install it")
    return found


def missing(reason: str) -> NoReturn:
    """Skip where a person runs the tests, fail where a machine does: CI must not go green on untested parts."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
