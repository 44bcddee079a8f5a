"""A real Prometheus that scrapes two real replicas of the exporter, which watch a simulated AWS, with a past."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from aws_vpn_exporter.demo.fleet import Fleet, Scenario
from aws_vpn_exporter.demo.server import SimulatedAws
from aws_vpn_exporter.sources import SOURCES as ALL_SOURCES
from testbed.dashboards.keepalive import pings
from testbed.exporter_process import COMMAND, clean_environment, with_credentials
from testbed.programs import REPOSITORY, find, free_port, program, wait_for

JOB = "aws-vpn-exporter"
KEEPALIVE = "aws-vpn-keepalive"
REGIONS = ("eu-west-1", "us-east-1")
RULES = REPOSITORY / "alerts" / "aws-vpn.rules.yaml"

ACCOUNT_NAME = "Head office"

CONFIG = f"""
accounts: [{{name: {ACCOUNT_NAME}}}]
regions: [{", ".join(REGIONS)}]
poll_interval: {{pace}}s
discovery_interval: {{pace}}s
tags: [site]
policies:
  - match: {{tags: {{"vpn:expected-tunnels": "1"}}}}
    expected_tunnels: 1
  - match: {{tags: {{site: Saltmere}}}}
    customer_gateway: {{phase1_lifetime_seconds: 14400, phase2_lifetime_seconds: 3600, ike_versions: [ikev1]}}
  - match: {{tags: {{site: Starholm}}}}
    customer_gateway: {{phase2_encryption_algorithms: [AES128]}}
  - match: {{tags: {{"vpn:device": group-20-only}}}}
    customer_gateway:
      phase2_lifetime_seconds: 3600
      phase2_dh_group_numbers: [20]
      ike_versions: [ikev2]
      phase1_integrity_algorithms: [SHA2-256]
"""

SOURCES = """
traffic: {interval: 1m}
maintenance: {interval: 1m}
negotiated: {interval: 1m}
logs: {interval: 10s}
quotas: {interval: 1m}
sites: {tag: site, direct_connect: [Quillhaven]}
headroom: {}
"""
"""All that may be turned on, and the keepalive with it."""

OPTIONAL = sorted({name for name, source in ALL_SOURCES.items() if not source.always_on} & set(yaml.safe_load(SOURCES)))
"""The optional sources among them."""

Samples = Sequence[Mapping[str, object]]
Past = Callable[[str, float], Iterable[str]]
"""From a page of the exporter and the present, lines of OpenMetrics about what was before."""


@dataclass(frozen=True)
class Prometheus:
    """Prometheus's HTTP API."""

    url: str

    def instant(self, expr: str, at: float | None = None) -> Samples:
        """The answer at one moment, now unless told."""
        return self._ask("query", {"query": expr, "time": at or time.time()})

    def range(self, expr: str, seconds: float, points: int = 500) -> Samples:
        """The answer over so many seconds until now, in so many points."""
        now = time.time()
        step = max(seconds / points, 1)
        return self._ask("query_range", {"query": expr, "start": now - seconds, "end": now, "step": step})

    def label_values(self, label: str, match: str, seconds: float) -> list[str]:
        """The values of a label on the series that match within so many seconds until now."""
        now = time.time()
        found = self._get(f"label/{label}/values", {"match[]": match, "start": now - seconds, "end": now})
        assert isinstance(found, list)
        return found

    def _ask(self, path: str, parameters: Mapping[str, object]) -> Samples:
        data = self._get(path, parameters)
        assert isinstance(data, dict)
        result = data["result"]
        assert isinstance(result, list)
        return result

    def _get(self, path: str, parameters: Mapping[str, object]) -> object:
        with urlopen(f"{self.url}/api/v1/{path}?{urlencode(parameters)}") as answer:
            return json.load(answer)["data"]


@contextmanager
def lab(
    scenario: str | Scenario, folder: Path, past: Past | None = None, pace: int = 2, sources: str = ""
) -> Iterator[Prometheus]:
    """Run it all; `sources` is SOURCES or nothing.

    Every poll, scrape and group of rules comes round in `pace` seconds; alerts fire at once.
    """
    prometheus, promtool = find("prometheus"), find("promtool")
    config = folder / "exporter.yaml"
    config.write_text(CONFIG.replace("{pace}", str(pace)) + sources)
    fleet = Fleet(time.time, scenario)
    with ExitStack() as stack:
        aws = stack.enter_context(SimulatedAws(fleet.describe, script=fleet.fault, regions=REGIONS, sources=fleet))
        replicas = [_exporter(stack, aws.url, config, folder / f"exporter-{n}.log") for n in range(2)]
        pages = [f"http://{address}/metrics" for address in replicas]
        wait_for(lambda: all(_knows_aws(page) for page in pages), 30, "the replicas to know AWS", folder)
        if sources:
            answers = ["1.0"] * len(REGIONS) * len(OPTIONAL)
            wait_for(lambda: all(_sources(page) == answers for page in pages), 90, "the sources to answer", folder)
        if past:
            _backfill(promtool, folder, past(_read(pages[0]), time.time()))
        keepalive = stack.enter_context(pings(_read(pages[0]))) if sources else ""
        address = f"127.0.0.1:{free_port()}"
        (folder / "rules.yaml").write_text(yaml.safe_dump(_hurried(yaml.safe_load(RULES.read_text()), pace)))
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(_prometheus_config(replicas, keepalive, pace)))
        options = [
            f"--config.file={folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=60d",
            f"--web.listen-address={address}",
        ]
        stack.enter_context(program(folder / "prometheus.log", prometheus, *options))
        api = Prometheus(f"http://{address}")
        wait_for(
            lambda: len(api.instant("vpn_connection:security_hub_ec2_171:passed or aws_vpn_target_up")) > 1,
            40,
            "Prometheus's first answers",
            folder,
        )
        yield api


def _exporter(stack: ExitStack, aws: str, config: Path, log: Path) -> str:
    address = f"127.0.0.1:{free_port()}"
    serve = [*COMMAND, "serve", f"--config.file={config}", f"--web.listen-address={address}"]
    stack.enter_context(program(log, *serve, environment=clean_environment(**with_credentials(aws))))
    return address


def _read(url: str) -> str:
    with urlopen(url) as answer:
        text: str = answer.read().decode()
        return text


def _knows_aws(page: str) -> bool:
    answered = re.findall(r'^aws_vpn_target_up\{account_id="[0-9]+".*\} (\S+)$', _read(page), re.MULTILINE)
    return answered == ["1.0"] * len(REGIONS)


def _sources(page: str) -> list[str]:
    return re.findall(r"^aws_vpn_source_up\{.*\} (\S+)$", _read(page), re.MULTILINE)


def _prometheus_config(replicas: Sequence[str], keepalive: str, pace: int) -> Mapping[str, object]:
    jobs = {JOB: replicas, **({KEEPALIVE: [keepalive]} if keepalive else {})}
    return {
        "global": {"scrape_interval": f"{pace}s", "evaluation_interval": f"{pace}s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": list(targets)}]} for name, targets in jobs.items()
        ],
    }


def _hurried(rules: dict[str, list[dict[str, object]]], pace: int) -> Mapping[str, object]:
    """The same rules, evaluated so often that a test need not wait for them; hourly values stay hourly."""
    for group in rules["groups"]:
        if group["interval"] != "1h":
            group["interval"] = f"{pace}s"
        for rule in group["rules"] if isinstance(group["rules"], list) else []:
            rule.pop("for", None)
    return rules


def _backfill(promtool: Path, folder: Path, lines: Iterable[str]) -> None:
    source = folder / "past.om"
    with source.open("w") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.write("# EOF\n")
    subprocess.run(
        [promtool, "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=1000h", source, folder / "data"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    source.unlink()
