"""Everything from AWS to the pager on this machine, for a person to watch: `make stack`, or `python -m tools.stack`.

A simulated AWS, two exporters that watch it, Prometheus with the shipped rules, Alertmanager with the shipped example;
what would reach a pager, a chat or a ticket system is printed here. Needs what tools/real-parts.sh fetches.
"""

import argparse
import signal
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from aws_vpn_exporter.demo.fleet import SCENARIOS, Fleet, RepairedFleet
from aws_vpn_exporter.demo.server import SimulatedAws
from testbed.chain import DEAD_MANS_SWITCH, Chain, Mailbox, Message, chain, seconds, shipped_rules
from testbed.exporter_process import COMMAND, clean_environment, with_credentials
from testbed.programs import MissingProgramError, free_port, program, wait_for

REPLICAS = 2
SPEED = 6
RECEIVERS = {"critical": "pager", "warning": "chat", "info": "ticket", "none": DEAD_MANS_SWITCH}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs until Ctrl-C; the exit code."""
    options = _options(arguments)
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    try:
        with tempfile.TemporaryDirectory(prefix="aws-vpn-stack-") as folder, ExitStack() as stack:
            _run(stack, Path(folder), options, over)
    except (TimeoutError, MissingProgramError) as error:
        print(error, file=sys.stderr)
        return 1
    print("Everything has ended.")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.stack", description=__doc__.partition("\n")[0])
    parser.add_argument("--scenario", choices=SCENARIOS, default="connection-down", metavar="NAME", help=_choices())
    parser.add_argument(
        "--speed", type=float, default=SPEED, metavar="N", help="shorten waiting so many times; default: %(default)s"
    )
    return parser.parse_args(arguments)


def _choices() -> str:
    return f"what the simulated AWS shows; default: %(default)s; one of {', '.join(SCENARIOS)}"


def _run(stack: ExitStack, folder: Path, options: argparse.Namespace, over: threading.Event) -> None:
    print("Starting ...", flush=True)
    fleet = Fleet(time.time, options.scenario)
    repaired = RepairedFleet(fleet.describe, time.time)
    simulated = SimulatedAws(repaired.describe, script=fleet.fault, sources=fleet, changes=repaired)
    aws = stack.enter_context(simulated)
    mailbox = stack.enter_context(Mailbox(_show))
    exporters = [_exporter(stack, aws.url, folder / f"exporter-{number}.log") for number in range(REPLICAS)]
    for address in exporters:
        wait_for(lambda address=address: _ready(address), 60, "the exporters answer", folder)  # type: ignore[misc]
    made = stack.enter_context(chain(folder, exporters, mailbox.url, speed=options.speed))
    print(_welcome(made, exporters, options), flush=True)
    over.wait()


def _exporter(stack: ExitStack, aws: str, log: Path) -> str:
    address = f"127.0.0.1:{free_port()}"
    config = stack.enter_context(as_file(files("aws_vpn_exporter.demo") / "config.yaml"))
    serve = [*COMMAND, "serve", f"--config.file={config}", f"--web.listen-address={address}"]
    stack.enter_context(program(log, *serve, environment=clean_environment(**with_credentials(aws))))
    return address


def _ready(address: str) -> bool:
    with urlopen(f"http://{address}/-/ready", timeout=5) as answer:
        return bool(answer.status == 200)


def _welcome(made: Chain, exporters: Sequence[str], options: argparse.Namespace) -> str:
    down = urlencode({"query": "vpn_connection:aws_vpn_connection_tunnels_up:last"})
    pages = "\n".join(f"  http://{address}/" for address in exporters)
    return f"""
Scenario {options.scenario}:
{textwrap.indent(textwrap.fill(SCENARIOS[options.scenario].description, 100), "  ")}

Exporters, two replicas: their status pages
{pages}
Prometheus: the alerts that are pending or firing; how many tunnels of each connection are up
  {made.prometheus}/api/v1/alerts
  {made.prometheus}/api/v1/query?{down}
Alertmanager: what it has got, and which of it is muted ("inhibitedBy")
  {made.alertmanager}/api/v2/alerts
Debian builds both without their web pages; other builds show them at {made.prometheus} and {made.alertmanager}.

Each wait is {options.speed:g} times shorter than shipped. Once its reason is seen, an alert fires after:
{_schedule(options.speed)}
Messages appear below as their receivers would show them. Press Ctrl-C to end everything.
"""


def _schedule(speed: float) -> str:
    alerts = [rule for group in shipped_rules()["groups"] for rule in group["rules"] if "alert" in rule]
    waits = [seconds(alert.get("for", "0s")) / speed for alert in alerts]
    return "\n".join(
        f"  {wait:5.0f} s  {alert['alert']}, to the {RECEIVERS[alert['labels']['severity']]}"
        for wait, alert in zip(waits, alerts, strict=True)
    )


def _show(message: Message) -> None:
    text = textwrap.indent(f"{message.title}\n{message.text}", "  ")
    print(f"{datetime.now(UTC):%H:%M:%S} to the {message.receiver}:\n{text}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
