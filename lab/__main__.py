"""`make lab`: real tunnels, an exporter that watches them, and the pages that would go out, for a person to rehearse.

Everything ends with it. Without a terminal the commands are read from the standard input.
"""

import argparse
import signal
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from lab.cloud import Cloud
from lab.console import Console
from lab.faults import FAULTS, Fault, Stage
from lab.laboratory import Lab, Plan
from lab.namespaces import LabError
from lab.pace import Clock
from lab.watchers import exporter, pages
from testbed.chain import Chain, Message
from testbed.programs import MissingProgramError

_CANNOT_RUN = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs until `quit`, the end of the input or Ctrl-C; the exit code."""
    options = _options(arguments)
    if options.list:
        print("\n".join(f"{fault.name}\n{textwrap.indent(fault.words, '    ')}" for fault in FAULTS.values()))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vpn-lab-")))
            _run(stack, folder, FAULTS.get(options.fault), options.pages)
    except (LabError, MissingProgramError, TimeoutError) as error:
        print(error, file=sys.stderr)
        return _CANNOT_RUN
    except KeyboardInterrupt:
        print()
    print("Everything has ended.")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__.partition("\n")[0])
    parser.add_argument("--fault", choices=FAULTS, metavar="NAME", help="build the lab for a fault, see --list")
    parser.add_argument("--list", action="store_true", help="list the faults and exit")
    parser.add_argument(
        "--no-pages", dest="pages", action="store_false", help="run no Prometheus and no Alertmanager, print no pages"
    )
    return parser.parse_args(arguments)


def _run(stack: ExitStack, folder: Path, fault: Fault | None, with_pages: bool) -> None:
    print("Starting ...", flush=True)
    lab = stack.enter_context(Lab(fault.plan if fault else Plan()))
    # The exporter and Prometheus live in real time, so AWS must as well: only the daemons' own times are short.
    cloud = stack.enter_context(Cloud(lab, Clock(pace=1)))
    address = stack.enter_context(exporter(folder, lab, cloud))
    chain = stack.enter_context(pages(folder, [address], _show)) if with_pages else None
    stage = Stage(lab, cloud)
    lab.until(lambda: fault.before(stage) if fault else lab.until_up(), "the state before the fault")
    print(_welcome(cloud, address, chain, fault), flush=True)
    Console(stage, fault).cmdloop()


def _welcome(cloud: Cloud, address: str, chain: Chain | None, fault: Fault | None) -> str:
    settings = "\n".join(f"  export {name}={value}" for name, value in cloud.settings.items())
    firing = f"Alerts, pending or firing\n  {chain.prometheus}/api/v1/alerts\n" if chain else ""
    awaited = f"`begin` brings it about: {fault.words}\n`mend` is its remedy.\n" if fault else ""
    return f"""
The exporter's status page
  http://{address}/
{firing}For the AWS CLI in another terminal
{settings}

{awaited}`cut 1` cuts the line of the first tunnel, `restore` brings it back, `help` lists everything.
"""


def _show(message: Message) -> None:
    text = textwrap.indent(f"{message.title}\n{message.text}", "  ")
    print(f"\n{datetime.now(UTC):%H:%M:%S} to the {message.receiver}:\n{text}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
