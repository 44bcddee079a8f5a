"""What would the alerts have said? `python -m tools.replay FILE` replays the exporter's metrics through the rules.

Prints one JSON object a line for each time that an alert fired: alertname, labels, starts_at and ends_at in Unix
seconds; ends_at is null for what still fires at the end of the file. Everything else goes to standard error.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import yaml

from testbed.chain import RULES
from testbed.programs import MissingProgramError, find
from tools.replay.openmetrics import History, OpenMetricsError, earlier, read, spacing
from tools.replay.prometheus import QueryError, prometheus
from tools.replay.rules import Firing, Replay, Rule, blind_spots, judgeable, needed, parse

FINEST, COARSEST = 60, 300
"""Between these, in seconds, lies the pace of the evaluation: that of the samples, for in between nothing is new."""
WORKERS = 2
WEEK = 7 * 86400


def main(arguments: Sequence[str] | None = None) -> int:
    """Replays a file; the exit code."""
    options = _options(arguments)
    try:
        binary = find("prometheus", options.old)
        document = yaml.safe_load(options.rules.read_text())
        with sys.stdin if options.file == "-" else Path(options.file).open() as lines:
            history = read(lines)
        rules = parse(document, options.step or min(max(round(spacing(history)), FINEST), COARSEST))
        if options.alert:
            rules = needed(rules, options.alert)
        firings = replayed(history, rules, binary)
    except MissingProgramError as error:
        print(error, file=sys.stderr)
        return 2
    except (OSError, OpenMetricsError, QueryError, ValueError, TimeoutError) as error:
        print(f"{options.file}: {error}", file=sys.stderr)
        return 1
    for firing in firings:
        print(json.dumps(asdict(firing)))
    return 0


def replayed(history: History, rules: Sequence[Rule], binary: Path) -> list[Firing]:
    """When which alert would have fired over a history. Raises QueryError or ValueError."""
    began = time.monotonic()
    # Prometheus refuses what lies in the future; whole weeks earlier it is the same hours of the same days.
    ahead = max(samples.times[-1] for samples in history.values()) // 1000 - int(time.time())
    back = max(0, -(-ahead // WEEK)) * WEEK
    history = earlier(history, back) if back else history
    start = min(samples.times[0] for samples in history.values()) // 1000
    end = max(samples.times[-1] for samples in history.values()) // 1000
    there = judgeable(rules, {dict(labels)["__name__"] for labels in history})
    left_out = sorted({rule.name for rule in rules if rule.is_alert} - {rule.name for rule in there})
    if left_out:
        print(f"not judged, the file has none of their metrics: {', '.join(left_out)}", file=sys.stderr)
    if blind := blind_spots(there):
        print(f"evaluated as if the alert in brackets had never fired: {', '.join(blind)}", file=sys.stderr)
    with (
        tempfile.TemporaryDirectory(prefix="aws-vpn-replay-") as folder,
        prometheus(binary, Path(folder), end - start) as server,
    ):
        server.write(history.items())
        loaded = time.monotonic() - began
        firings = Replay(server, start, end).run(there, WORKERS)
    print(
        f"{len(history)} series over {(end - start) / 86400:.1f} days through {len(there)} rules "
        f"in {time.monotonic() - began:.0f} s, {loaded:.0f} s of it to load them",
        file=sys.stderr,
    )
    return [
        replace(one, starts_at=one.starts_at + back, ends_at=None if one.ends_at is None else one.ends_at + back)
        for one in firings
    ]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.replay", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "file", metavar="FILE", help="OpenMetrics text with a time at each sample; - reads standard input"
    )
    parser.add_argument("--rules", type=Path, default=RULES, metavar="FILE", help="other rules than the shipped ones")
    parser.add_argument("--alert", action="append", metavar="NAME", help="only this alert; may be given several times")
    parser.add_argument(
        "--step",
        type=int,
        metavar="SECONDS",
        help="evaluate no more often than this; default: as often as there are samples, once a minute at most",
    )
    parser.add_argument(
        "--old", action="store_true", help="use Debian bookworm's Prometheus, which tools/real-parts.sh fetches"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
