"""How good the silence rules are: 1,000 synthetic tunnels whose truth is known, beside two simpler rules.

`python -m tools.silence` writes the tables into docs/SILENCE.md. `--write FILE` writes a fleet as an OpenMetrics file
for `python -m tools.replay`, and what befell it, as JSON, to standard output.
"""

import argparse
import json
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import yaml

from testbed.chain import RULES
from testbed.programs import REPOSITORY, find
from tools.generated import write_figures
from tools.replay.__main__ import replayed
from tools.replay.rules import Rule, needed, parse
from tools.silence.fleet import DAYS, Connection, connections
from tools.silence.score import Score

PAGE = REPOSITORY / "docs" / "SILENCE.md"
RIVALS = Path(__file__).parent / "rivals.rules.yaml"

OURS = "AwsVpnTunnelBlackhole"
NAMES = {
    OURS: "`AwsVpnTunnelBlackhole`",
    "SameHourYesterday": "less than a tenth of the same hour yesterday",
    "NaiveBytes": "less than 150 B/s in either direction",
}
TUNNELS, SEED, BATCH, STEP = 1000, 17, 50, 300


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, or writes a fleet; the exit code."""
    options = _options(arguments)
    if options.write:
        _write(options.write, list(connections(options.tunnels // 2, options.seed)))
        return 0
    binary = find("prometheus")
    scores = {name: Score() for name in NAMES}
    outages: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for first in range(0, options.tunnels // 2, BATCH):
        batch = list(connections(min(BATCH, options.tunnels // 2 - first), options.seed, first))
        outages.update(f"{one.profile}" for one in batch for _ in one.outages)
        firings = replayed({labels: samples for one in batch for labels, samples in one.series}, _rules(), binary)
        for name, score in scores.items():
            score.add(batch, (firing for firing in firings if firing.alertname == name))
        print(_table(scores), file=sys.stderr, flush=True)
    _explain(scores[OURS])
    missed.update(connection.profile for connection, _ in scores[OURS].missed)
    asked = f"`python -m tools.silence --tunnels {options.tunnels} --seed {options.seed}`:"
    figures = f"{asked}\n\n{_table(scores)}\n{_by_profile(outages, missed, scores[OURS])}"
    print(figures)
    if (options.tunnels, options.seed) == (TUNNELS, SEED):
        write_figures(PAGE, "figures", figures)
    return 0


def _explain(score: Score) -> None:
    """Each mistake, for whoever wants to do better."""
    for connection, outage in score.missed:
        print(f"missed: {connection.id}, {connection.profile}, {connection.routing}: {outage}", file=sys.stderr)
    for connection, firing in score.wrong:
        near = [one for one in connection.harmless if one.start - 7200 < firing.starts_at < one.end + 7200]
        print(f"false: {connection.id}, {connection.profile}, {connection.routing}: {firing} {near}", file=sys.stderr)


def _rules() -> tuple[Rule, ...]:
    shipped = needed(parse(yaml.safe_load(RULES.read_text()), STEP), {OURS})
    return (*shipped, *parse(yaml.safe_load(RIVALS.read_text()), STEP))


def _table(scores: dict[str, Score]) -> str:
    return (
        "| rule | precision | recall within 30 minutes | false alerts | median delay |\n|---|---|---|---|---|\n"
        + "".join(
            f"| {NAMES[name]} | {score.precision:.1%} | {score.recall:.1%} ({len(score.delays)} of "
            f"{len(score.delays) + len(score.missed)}) | {score.false:,} | {_minutes(score.delays)} |\n"
            for name, score in scores.items()
        )
    )


def _minutes(delays: Sequence[int]) -> str:
    return f"{statistics.median(delays) / 60:.0f} min" if delays else ""


def _by_profile(outages: Counter[str], missed: Counter[str], score: Score) -> str:
    false = Counter(connection.profile for connection, _ in score.wrong)
    rows = (
        f"| {profile} | {outages[profile]} | {outages[profile] - missed[profile]} | {false[profile]} |\n"
        for profile in sorted(outages | false)
    )
    return "| kind of site | outages | noticed in time | false alerts |\n|---|---|---|---|\n" + "".join(rows)


def _write(file: Path, made: Sequence[Connection]) -> None:
    with file.open("w") as written:
        for connection in made:
            written.writelines(_lines(connection))
        written.write("# EOF\n")
    for connection in made:
        truth = {"vpn_connection_id": connection.id, "profile": connection.profile, "routing": connection.routing}
        events = {
            "outages": [asdict(one) | {"tunnels": sorted(one.tunnels)} for one in connection.outages],
            "harmless": [asdict(one) | {"tunnels": sorted(one.tunnels)} for one in connection.harmless],
        }
        print(json.dumps(truth | events))


def _lines(connection: Connection) -> Iterator[str]:
    for labels, samples in connection.series:
        named = dict(labels)
        name = named.pop("__name__")
        series = name + "{" + ",".join(f'{key}="{value}"' for key, value in named.items()) + "}"
        for time, value in zip(samples.times, samples.values, strict=True):
            yield f"{series} {value:.10g} {time / 1000:.3f}\n"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.silence", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--tunnels", type=int, default=TUNNELS, help=f"how many, over {DAYS} days; default: %(default)s"
    )
    parser.add_argument("--seed", type=int, default=SEED, help="another fleet; default: %(default)s")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the fleet and its truth instead of measuring")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
