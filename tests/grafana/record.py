"""Records a real Prometheus's answers to all that the dashboards ask, for tests and pictures.

`make dashboard-recordings` runs it.

Each stage is a fleet in front of which a person may stand. What changes from recording to recording is times.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from aws_vpn_exporter.demo.fleet import SCENARIOS, Connection, Scenario
from testbed.dashboards.answers import UIDS
from testbed.dashboards.past import Outage, past_of
from testbed.dashboards.prometheus import SOURCES, lab
from testbed.programs import wait_for
from tests.grafana.node import recording_of

RECORDINGS = Path(__file__).resolve().parent / "recordings"
LOOKED_AT = "cider-press"


@dataclass(frozen=True)
class Stage:
    """A fleet, its past, the optional sources that are on, and the connection that is looked at."""

    scenario: Scenario
    looked_at: str = ""
    outages: Mapping[str, tuple[Outage, ...]] | None = None
    sources: str = ""
    seconds: float = 60
    """How long to watch before the answers are asked for."""


def _healthy(connection: Connection) -> bool:
    return connection.name in ("harbour-office", "bakery", "observatory")


STAGES = {
    # The tour, with each of the causes that evidence can tell.
    "trouble": Stage(
        Scenario(
            "Most of what can happen, at once.",
            tuple(
                # One site has two connections.
                replace(one, site="Quietwater") if one.name == "watermill" else one
                for one in {
                    one.name: one for name in ("tour", "causes") for one in SCENARIOS[name].connections
                }.values()
            ),
        ),
        LOOKED_AT,
        {
            LOOKED_AT: (Outage(20, 5, 1), Outage(6, 1, 2), Outage(0.6, 2.5, 1)),
            "harbour-office": (Outage(12, 3, 1), Outage(3, 0.3, 2)),
            "lighthouse": (Outage(20, 5, 1), Outage(6, 1, 2), Outage(0.6, 2.5, 2), Outage(0.2, 4.8, 1)),
            "pottery-works": (Outage(25, 0.2, 2),),
            "north-mill": (Outage(0.1, 2.3, 2),),
        },
        SOURCES,
        seconds=120,
    ),
    "calm": Stage(
        Scenario("All is well.", tuple(one for one in SCENARIOS["tour"].connections if _healthy(one))),
        "harbour-office",
        {"harbour-office": ()},
    ),
    "empty": Stage(Scenario("No connection at all.", ()), sources=SOURCES, seconds=30),
}


def looks(stage: Stage) -> Mapping[str, object]:
    """How each dashboard is looked at: over which time, and with what chosen."""
    chosen = {"choose": {"connection": stage.looked_at}} if stage.looked_at else {}
    return {
        uid: {
            "span": "5m" if uid == "aws-vpn-exporter" else "24h",
            **(chosen if uid in ("aws-vpn-connection", "aws-vpn-logs") else {}),
        }
        for uid in UIDS
    }


def main() -> None:
    """Starts each stage in turn and writes its answers."""
    parser = argparse.ArgumentParser(prog="python -m tests.grafana.record", description=__doc__)
    parser.add_argument("stages", nargs="*", default=list(STAGES), help="which ones; default: all")
    RECORDINGS.mkdir(exist_ok=True)
    for name in parser.parse_args().stages:
        stage = STAGES[name]
        past = past_of(stage.outages, dense=True) if stage.outages is not None else None
        with (
            tempfile.TemporaryDirectory() as folder,
            lab(stage.scenario, Path(folder), past, sources=stage.sources) as api,
        ):
            if past:
                wait_for(lambda: api.instant("vpn_connection:aws_vpn_connection_up:avg30d"), 60, "availability")
            time.sleep(stage.seconds)
            (RECORDINGS / f"{name}.json").write_text(recording_of(api, looks(stage)), "utf-8")
            print(f"{name}: recorded")


if __name__ == "__main__":
    main()
