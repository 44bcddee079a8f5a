"""Each fault, shown by real daemons: what the exporter says of it must not name a wrong cause as likely."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from lab import table
from lab.faults import FAULTS
from lab.rehearsal import Rehearsal, rehearse

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("possible")]

_SIDE_BY_SIDE = 2 * (os.cpu_count() or 1)
"""Labs at once: most of a rehearsal is waiting."""

KNOWN_WRONG: Mapping[str, str] = {}
"""Faults of which the exporter names a wrong cause as likely, and why. One that is right fails its test here."""

Rehearsals = Mapping[str, Future[Rehearsal]]


@pytest.fixture(scope="module")
def rehearsals(possible: None, request: pytest.FixtureRequest) -> Iterator[Rehearsals]:
    """Every fault whose test was asked for, from beginning to end, several at once."""
    wanted = {
        item.callspec.params["name"]
        for item in request.session.items
        if hasattr(item, "callspec") and "name" in item.callspec.params
    }
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        made = {name: pool.submit(rehearse, FAULTS[name]) for name in FAULTS if name in wanted}
        yield made
        pool.shutdown(cancel_futures=True)


def cases() -> Iterator[object]:
    for name in FAULTS:
        reason = KNOWN_WRONG.get(name)
        wrong = pytest.mark.xfail(reason=reason or "", strict=True)
        yield pytest.param(name, marks=[wrong] if reason else [])


@pytest.mark.parametrize("name", list(cases()))
def test_no_wrong_cause_is_called_likely(rehearsals: Rehearsals, name: str) -> None:
    made = rehearsals[name].result()
    assert made.verdict.likely <= FAULTS[name].causes, f"{made.verdict}\n{made.log}"


@pytest.mark.parametrize("name", FAULTS)
def test_the_remedy_helps_and_the_tunnel_stays_up(rehearsals: Rehearsals, name: str) -> None:
    made = rehearsals[name].result()
    remedy = FAULTS[name].remedy
    if remedy is None:
        assert made.verdict.state == "up", "nothing is to be mended, because nothing fell"
        return
    assert made.seconds_until_up is not None
    assert not made.fell_again
    assert made.rekeys_survived == remedy.survives


@pytest.mark.parametrize("name", sorted(set(FAULTS) - set(KNOWN_WRONG)))
def test_the_page_says_what_is_said_now(rehearsals: Rehearsals, name: str) -> None:
    shown = table.rows(table.PAGE.read_text()).get(name)
    assert shown == table.row(rehearsals[name].result()), "run `make lab-table`"


@pytest.mark.usefixtures("rehearsals")
def test_every_fault_known_to_be_judged_wrongly_is_one_that_is_shown() -> None:
    assert set(KNOWN_WRONG) <= set(FAULTS)
