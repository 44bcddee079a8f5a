"""Those who watch the lab: an exporter, and behind it Prometheus and Alertmanager with the shipped rules."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from lab.cloud import Cloud
from lab.laboratory import Lab
from lab.namespaces import LabError
from tools.chain import Chain, Mailbox, Message, chain, free_port, located, program, wait_for

SPEED = 10
"""How many times shorter than shipped the waits of Prometheus and Alertmanager are."""

CONFIG = """
regions: [eu-west-1]
poll_interval: 2s
stale_after: 30s
tags: [site]
traffic: {interval: 1m, period: 1m}
maintenance: {interval: 10s}
negotiated: {interval: 10s}
logs: {interval: 5s}
policies:
  - match: {tags: {site: Lab}}
    device_file: swanctl.conf
"""


@contextmanager
def exporter(folder: Path, lab: Lab, cloud: Cloud) -> Iterator[str]:
    """An exporter that watches the lab and has the device's file; its address, once it has looked."""
    address = f"127.0.0.1:{free_port()}"
    (folder / "exporter.yaml").write_text(CONFIG)
    (folder / "swanctl.conf").write_text(lab.device_text())
    others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    command = [sys.executable, "-m", "aws_vpn_exporter", "serve", f"--config.file={folder / 'exporter.yaml'}"]
    log = folder / "exporter.log"
    with program(log, *command, f"--web.listen-address={address}", environment={**others, **cloud.settings}):
        wait_for(lambda: _ready(address), "the exporter has looked", folder)
        yield address


@contextmanager
def pages(folder: Path, address: str, show: Callable[[Message], None]) -> Iterator[Chain]:
    """Prometheus and Alertmanager behind the exporter; `show` gets what would go to a pager, a chat or a queue."""
    with (
        Mailbox(show) as mailbox,
        chain(folder, [address], mailbox.url, speed=SPEED, find=_find) as made,
    ):
        yield made


def _find(name: str) -> Path:
    found = located(name)
    if not found:
        raise LabError(f"{name} is not here: run tools/real-parts.sh, install it, or use --no-pages")
    return found


def _ready(address: str) -> bool:
    with urlopen(f"http://{address}/-/ready", timeout=5) as answer:
        return bool(answer.status == 200)
