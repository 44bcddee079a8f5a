"""A lab for the tests, or the reason why there is none on this machine."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from lab import namespaces
from lab.laboratory import Lab, Plan
from tests.support.real_programs import missing


@pytest.fixture(scope="session")
def possible() -> None:
    """Skips where the lab cannot run; fails there in CI."""
    reason = namespaces.obstacle()
    if reason:
        missing(reason)


@pytest.fixture
def labs(possible: None) -> Iterator[Callable[[Plan], Lab]]:
    """Makes labs that end with the test."""
    with ExitStack() as running:
        yield lambda plan: running.enter_context(Lab(plan))
