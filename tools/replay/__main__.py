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
from dataclasses import asdict
from pathlib import Path

import yaml

from testbed.chain import RULES
from testbed.programs import MissingProgramError, find
from tools.replay.openmetrics import History, OpenMetricsError, read
from tools.replay.prometheus import QueryError, prometheus
from tools.replay.rules import Firing, Replay, Rule, judgeable, needed, parse

FINEST = 60
WORKERS = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Replays a file; the exit code."""
    options = _options(arguments)
    try:
        binary = find("prometheus", options.old)
        rules = parse(yaml.safe_load(options.rules.read_text()), options.step)
        if options.alert:
            rules = needed(rules, options.alert)
        with sys.stdin if options.file == "-" else Path(options.file).open() as lines:
            history = read(lines)
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
    start = min(samples.times[0] for samples in history.values()) // 1000
    end = max(samples.times[-1] for samples in history.values()) // 1000
    there = judgeable(rules, {dict(labels)["__name__"] for labels in history})
    left_out = sorted({rule.name for rule in rules if rule.is_alert} - {rule.name for rule in there})
    if left_out:
        print(f"not judged, the file has none of their metrics: {', '.join(left_out)}", file=sys.stderr)
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
    return firings


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
        default=FINEST,
        metavar="SECONDS",
        help="evaluate no more often than this; default: %(default)s",
    )
    parser.add_argument(
        "--old", action="store_true", help="use Debian bookworm's Prometheus, which tools/real-parts.sh fetches"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
