"""Those who watch the lab: an exporter, and behind it Prometheus and Alertmanager with the shipped rules."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.cloud import Cloud
from lab.laboratory import Lab
from testbed.chain import Chain, Mailbox, Message, chain
from testbed.exporter_process import ExporterProcess

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
    config = folder / "exporter.yaml"
    config.write_text(CONFIG)
    config.with_name("swanctl.conf").write_text(lab.device_text())
    command = ("serve", f"--config.file={config}")
    with ExporterProcess(command, cloud.settings, folder / "exporter.log") as process:
        process.until_ready()
        yield f"127.0.0.1:{process.port}"


@contextmanager
def pages(folder: Path, address: str, show: Callable[[Message], None]) -> Iterator[Chain]:
    """Prometheus and Alertmanager behind the exporter; `show` gets what would go to a pager, a chat or a queue.

    Raises MissingProgramError.
    """
    with Mailbox(show) as mailbox, chain(folder, [address], mailbox.url, speed=SPEED) as made:
        yield made
