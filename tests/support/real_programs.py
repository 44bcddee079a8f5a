"""What becomes of a test whose real part is not on this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest

from testbed.programs import MissingProgramError


def missing(reason: str) -> NoReturn:
    """Skip where a person runs the tests, fail where a machine does: CI must not go green on untested parts."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def real_programs_or_skip() -> Iterator[None]:
    """The test inside is `missing` its part where `find` does not find a program."""
    try:
        yield
    except MissingProgramError as error:
        missing(str(error))
