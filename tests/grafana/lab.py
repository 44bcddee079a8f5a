"""A real Prometheus that scrapes two real replicas of the exporter, which watch a simulated AWS, with a past."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml
from aws_vpn_exporter.demo.fleet import Fleet, Scenario
from aws_vpn_exporter.demo.server import SimulatedAws
from tests.real_parts import REPOSITORY, find

JOB = "aws-vpn-exporter"
REGIONS = ("eu-west-1", "us-east-1")
RULES = REPOSITORY / "alerts" / "aws-vpn.rules.yaml"
DAY = 86400
_LOOKBACK = 330
"""For five minutes Prometheus takes a series that has ended for the present."""

CONFIG = f"""
regions: [{", ".join(REGIONS)}]
poll_interval: {{pace}}s
discovery_interval: {{pace}}s
tags: [site]
policies:
  - match: {{tags: {{"vpn:expected-tunnels": "1"}}}}
    expected_tunnels: 1
  - match: {{tags: {{site: Saltmere}}}}
    customer_gateway: {{phase1_lifetime_seconds: 14400, phase2_lifetime_seconds: 3600, ike_versions: [ikev2]}}
"""

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


def wait_for(true: Callable[[], object], seconds: float, what: str) -> None:
    """Look again and again, until it is true or the time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if true():
                return
        except (URLError, ConnectionError):
            pass
        time.sleep(0.3)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


@contextmanager
def lab(scenario: str | Scenario, folder: Path, past: Past | None = None, pace: int = 2) -> Iterator[Prometheus]:
    """Run it all. Every poll, scrape and group of rules comes round in `pace` seconds; alerts fire at once."""
    prometheus, promtool = find("prometheus"), find("promtool")
    config = folder / "exporter.yaml"
    config.write_text(CONFIG.replace("{pace}", str(pace)))
    fleet = Fleet(time.time, scenario)
    with ExitStack() as stack:
        aws = stack.enter_context(SimulatedAws(fleet.describe, script=fleet.fault, regions=REGIONS))
        replicas = [_exporter(stack, aws.url, config, folder / f"exporter-{n}.log") for n in range(2)]
        pages = [f"http://{address}/metrics" for address in replicas]
        for page in pages:
            wait_for(
                lambda page=page: 'aws_vpn_target_up{account_id="123456789012"' in _read(page),
                30,
                f"{page} to know AWS",
            )  # type: ignore[misc]
        if past:
            _backfill(promtool, folder, past(_read(pages[0]), time.time()))
        address = _free_address()
        (folder / "rules.yaml").write_text(yaml.safe_dump(_hurried(yaml.safe_load(RULES.read_text()), pace)))
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(_prometheus_config(replicas, pace)))
        _start(
            stack,
            folder / "prometheus.log",
            str(prometheus),
            f"--config.file={folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=60d",
            f"--web.listen-address={address}",
        )
        api = Prometheus(f"http://{address}")
        wait_for(
            lambda: len(api.instant("vpn_connection:security_hub_ec2_171:passed or aws_vpn_target_up")) > 1,
            40,
            "the first answers",
        )
        yield api


def _exporter(stack: ExitStack, aws: str, config: Path, log: Path) -> str:
    address = _free_address()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
        "AWS_ENDPOINT_URL": aws,
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",
        "AWS_REGION": REGIONS[0],
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    arguments = ("serve", f"--config.file={config}", f"--web.listen-address={address}")
    _start(stack, log, sys.executable, "-m", "aws_vpn_exporter", *arguments, environment=environment)
    return address


def _start(stack: ExitStack, log: Path, *command: str, environment: Mapping[str, str] | None = None) -> None:
    process = subprocess.Popen(
        command, stdout=stack.enter_context(log.open("w")), stderr=subprocess.STDOUT, env=environment
    )
    stack.callback(process.wait, 20)
    stack.callback(process.terminate)


def _free_address() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{one.getsockname()[1]}"


def _read(url: str) -> str:
    with urlopen(url) as answer:
        text: str = answer.read().decode()
        return text


def _prometheus_config(replicas: Sequence[str], pace: int) -> Mapping[str, object]:
    return {
        "global": {"scrape_interval": f"{pace}s", "evaluation_interval": f"{pace}s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": list(replicas)}]}],
    }


def _hurried(rules: dict[str, list[dict[str, object]]], pace: int) -> Mapping[str, object]:
    """The same rules, evaluated so often that a test need not wait for them."""
    for group in rules["groups"]:
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


SERIES = re.compile(r"^(\w+)\{(.*)\} (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Outage:
    """So many of a connection's tunnels were down for so many hours, so many days ago."""

    days_ago: float
    hours: float
    tunnels: int

    def covers(self, ago: float) -> bool:
        """Whether it was going on so many seconds ago."""
        return self.days_ago * DAY - self.hours * 3600 <= ago < self.days_ago * DAY


def past_of(outages: Mapping[str, Sequence[Outage]], days: int = 30, step: int = 240) -> Past:
    """What the exporter and the rules would have recorded, for the connections with these names.

    Their state is written every `step` seconds; the hourly availability is written for every connection there is.
    """

    def lines(page: str, now: float) -> Iterator[str]:
        infos = [
            dict(re.findall(r'(\w+)="([^"]*)"', line))
            for line in re.findall(r"^aws_vpn_connection_info{.*$", page, re.M)
        ]
        names = {info["vpn_connection_id"]: info["name"] for info in infos}
        ids = {vpn_id: outages.get(name, ()) for vpn_id, name in names.items()}
        told = {vpn_id for vpn_id, name in names.items() if name in outages}
        moments = range(int(now - days * DAY) // step * step, int(now - _LOOKBACK), step)
        tunnels: dict[str, list[str]] = {}
        for metric, labels, value in SERIES.findall(page):
            vpn_id, ip = (re.search(rf'{label}="([^"]*)"', labels) for label in ("vpn_connection_id", "tunnel_ip"))
            order = tunnels.setdefault(vpn_id[1] if vpn_id else "", [])
            if ip and ip[1] not in order:
                order.append(ip[1])
            if vpn_id and vpn_id[1] in told or metric == "aws_vpn_target_up":
                reading = _reading(metric, labels, float(value), order.index(ip[1]) if ip else None)
                if reading:
                    down = ids[vpn_id[1]] if vpn_id else ()
                    where = f'{metric}{{{labels},job="{JOB}",instance="long-ago"}}'
                    yield from (f"{where} {reading(now - at, down, now)} {at}" for at in moments)
        hours = range(int(now - days * DAY) // 3600 * 3600, int(now - _LOOKBACK), 3600)
        expected = re.findall(r"^aws_vpn_connection_tunnels_expected\{(.*)\} (\S+)$", page, re.M)
        for measure, least in (("up", 1), ("redundant", 2)):
            for labels, _ in expected:
                down = ids[re.findall(r'vpn_connection_id="([^"]*)"', labels)[0]]
                where = f'vpn_connection:aws_vpn_connection_{measure}:avg1h{{{labels},job="{JOB}"}}'
                yield from (f"{where} {_share(now - at, down, least)} {at}" for at in hours)

        for name, down in outages.items():
            vpn_id = next(key for key, value in names.items() if name == value)
            for alert, severity, tunnels in _ALERTS:
                where = (
                    f'ALERTS{{alertname="{alert}",alertstate="firing",severity="{severity}",job="{JOB}",'
                    f'account_id="123456789012",region="{REGIONS[0]}",vpn_connection_id="{vpn_id}"}}'
                )
                told_of = [one for one in down if one.tunnels == tunnels]
                yield from (f"{where} 1 {at}" for at in moments if any(one.covers(now - at) for one in told_of))

    return lines


_ALERTS = (("AwsVpnConnectionRedundancyLost", "warning", 1), ("AwsVpnConnectionDown", "critical", 2))


def _reading(
    metric: str, labels: str, value: float, tunnel: int | None
) -> Callable[[float, Sequence[Outage], float], float] | None:
    """What a series had shown so many seconds ago; None for one that needs no past."""

    def lost(ago: float, down: Sequence[Outage]) -> int:
        return max((outage.tunnels for outage in down if outage.covers(ago)), default=0)

    if metric == "aws_vpn_connection_tunnels_up":
        return lambda ago, down, now: 2 - lost(ago, down)
    if metric == "aws_vpn_tunnel_state" and tunnel is not None:
        return lambda ago, down, now: float(f'state="{"ipsec_down" if lost(ago, down) > tunnel else "up"}"' in labels)
    if metric == "aws_vpn_tunnel_accepted_routes" and tunnel is not None:
        return lambda ago, down, now: 0 if lost(ago, down) > tunnel else 12
    if metric == "aws_vpn_tunnel_last_status_change_timestamp_seconds":
        return lambda ago, down, now: max(
            (
                now - moment
                for outage in down
                for moment in (outage.days_ago * DAY, outage.days_ago * DAY - outage.hours * 3600)
                if moment >= ago
            ),
            default=now - 40 * DAY,
        )
    if metric in ("aws_vpn_connection_tunnels_expected", "aws_vpn_connection_state", "aws_vpn_target_up"):
        return lambda ago, down, now: value
    return None


def _share(ago: float, down: Sequence[Outage], least: int) -> float:
    """The share of the hour before in which so many tunnels were up."""
    lost = sum(
        max(0.0, min(ago + 3600, outage.days_ago * DAY) - max(ago, outage.days_ago * DAY - outage.hours * 3600))
        for outage in down
        if 2 - outage.tunnels < least
    )
    return 1 - lost / 3600
