"""Those who watch the lab: an exporter, and behind it Prometheus and Alertmanager with the shipped rules."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab.cloud import Cloud
from lab.laboratory import Lab
from testbed.chain import Chain, Mailbox, Message, chain
from testbed.exporter_process import ExporterProcess

SPEED = 10
"""How many times shorter than shipped the waits of Prometheus and Alertmanager are for a person."""

CONFIG = """
regions: [eu-west-1]
poll_interval: 2s
stale_after: 30s
tags: [site]
traffic: {interval: 1m, period: 1m}
maintenance: {interval: 10s}
negotiated: {interval: 10s}
logs: {interval: 5s}
"""

DEVICE = """
policies:
  - match: {tags: {site: Lab}}
    device_file: swanctl.conf
"""
"""What hands the device's file to the exporter."""


@contextmanager
def exporter(folder: Path, lab: Lab, cloud: Cloud, config_text: str = CONFIG + DEVICE) -> Iterator[str]:
    """An exporter that watches the lab, and may have the device's file; its address, once it has looked."""
    config = folder / "exporter.yaml"
    config.write_text(config_text)
    config.with_name("swanctl.conf").write_text(lab.device_text())
    command = ("serve", f"--config.file={config}")
    with ExporterProcess(command, cloud.settings, folder / "exporter.log") as process:
        process.until_ready()
        yield f"127.0.0.1:{process.port}"


@contextmanager
def pages(
    folder: Path, addresses: Sequence[str], show: Callable[[Message], None], speed: float = SPEED
) -> Iterator[Chain]:
    """Prometheus and Alertmanager behind exporters; `show` gets what would go to a pager, a chat or a queue.

    Their waits are `speed` times shorter than shipped. Raises MissingProgramError.
    """
    with Mailbox(show) as mailbox, chain(folder, addresses, mailbox.url, speed=speed) as made:
        yield made
