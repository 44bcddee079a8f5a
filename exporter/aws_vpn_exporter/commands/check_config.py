"""`check-config`: checks the configuration files and prints what would be watched."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from aws_vpn_exporter import config
from aws_vpn_exporter.aws.regions import unknown_regions
from aws_vpn_exporter.aws.session import BOTO3_VERSION
from aws_vpn_exporter.commands.ask_once import (
    ALL_WELL,
    NO_ANSWER,
    TIMEOUT,
    ask_once,
    connections_and_targets,
    refusals,
    saw_everything,
    unseen,
)
from aws_vpn_exporter.config import Config
from aws_vpn_exporter.options import BY_NAME, text
from aws_vpn_exporter.policy import Policy
from aws_vpn_exporter.sources import SOURCES
from aws_vpn_exporter.target import ALL_REGIONS
from aws_vpn_exporter.web.config import WebConfigFile
from aws_vpn_exporter.wording import duration, moment

Said: TypeAlias = tuple[str, str]
"""A topic, and a sentence about it."""

_LABELS = {
    "accounts": "Accounts",
    "regions": "Regions",
    "unknown_regions": "Region",
    "polls": "Polls",
    "failures": "Failures",
    "tags": "Tags",
    "sources": "Source",
    "sites": "Sites",
    "headroom": "Headroom",
    "risks": "Risks",
    "charges": "Charge",
    "devices": "Device",
}
"""By the topic, what a line of text begins with; lines about the others stand for themselves."""


def check_config(
    config_file: Path | None, web_config_file: Path | None, live: bool, timeout: float = TIMEOUT, output: str = "text"
) -> int:
    """Prints what the configuration means as `output`, text or json; with `live`, also what each target answers.

    Returns NO_ANSWER where a target or an optional source does not answer within `timeout` seconds. Raises
    ConfigError or CannotStartError.
    """
    web_config = WebConfigFile(web_config_file)
    loaded = config.load(config_file) if config_file else Config()
    meaning = [*_description(loaded, config_file), *(("web", line) for line in web_config.not_honoured())]
    if output == "text":
        print("\n".join(map(_line, meaning)), flush=True)
    answers, code = _ask(loaded, config_file, timeout) if live else ([], ALL_WELL)
    if output == "json":
        print(json.dumps(_grouped([*meaning, *answers]), indent=2, ensure_ascii=False))
    elif answers:
        print("\n".join(said for _, said in answers))
    return code


def _ask(loaded: Config, config_file: Path | None, timeout: float) -> tuple[list[Said], int]:
    """What AWS answers, and the exit code."""
    cards, rows = connections_and_targets(ask_once(config_file, timeout))
    said = [("refusals", refusal) for refusal in refusals(rows)]
    for row in (row for row in rows if not row.refused):
        detail = f": {row.detail}" if row.detail else ""
        said.append(("targets", f"{row.target}: {row.state}, connections: {row.connections}{detail}"))
        said += [("targets", line) for line in unseen([row])]
    tunnels = sum(len(card.tunnels) for card in cards if card.connection.in_service)
    for name, dollars in _charges(loaded, tunnels):
        said.append(("charges", f"{name.capitalize()} of {tunnels} tunnels: about ${dollars:.2f} a month"))
    return said, ALL_WELL if saw_everything(rows) else NO_ANSWER


def _line(said: Said) -> str:
    label = _LABELS.get(said[0], "")
    return f"{label + ':':10}{said[1]}" if label else said[1]


def _grouped(said: list[Said]) -> dict[str, list[str]]:
    """By the topic, its sentences in their order."""
    grouped: dict[str, list[str]] = {}
    for topic, sentence in said:
        grouped.setdefault(topic, []).append(sentence)
    return grouped


def _charges(loaded: Config, tunnels: int) -> Iterator[tuple[str, float]]:
    """The names of the sources that AWS charges for, and the dollars a month for so many tunnels."""
    for name, block in loaded.sources().items():
        if dollars := SOURCES[name].dollars_per_month(block, tunnels):
            yield name, dollars


def _description(loaded: Config, file: Path | None) -> Iterator[Said]:
    yield "file", f"{file} is valid." if file else "No configuration file: these are the defaults."
    yield "accounts", _accounts(loaded)
    yield "regions", _regions(loaded)
    for region, similar in unknown_regions(_named_regions(loaded)):
        meant = f"; did you mean {similar}?" if similar else ""
        yield "unknown_regions", f"{region} is not in AWS's list of regions, as boto3 {BOTO3_VERSION} brings it{meant}"
    yield (
        "polls",
        f"every {duration(loaded.poll_interval)} where there are connections, "
        f"every {duration(loaded.discovery_interval)} where there are none",
    )
    yield "failures", f"the last good values stay for {duration(loaded.stale_after)}"
    yield "tags", ", ".join(loaded.tags) or "none"
    for name, block in loaded.sources().items():
        yield "sources", f"{name}, every {duration(block.interval)}"
    if loaded.sites:
        by_tag = f"the tag {loaded.sites.tag}, else by " if loaded.sites.tag else ""
        yield "sites", f"by {by_tag}customer gateway"
    if loaded.headroom:
        yield "headroom", "limits of tunnels are published"
    if loaded.risks:
        yield "risks", f"judged; two rekeys within {duration(loaded.risks.exchange)} are in each other's way"
    for name, dollars in _charges(loaded, 2):
        yield "charges", f"{name}: about ${dollars:.2f} a month for each connection of two tunnels"
    for number, policy in enumerate(loaded.settings(file).policies, 1):
        yield "policies", f"Policy {number}: {_matched(policy)}: {'; '.join(_stated(policy))}"
    for gap in loaded.device_gaps(file):
        yield "devices", gap


def _accounts(loaded: Config) -> str:
    accounts = [block.role_arn or "the default AWS credentials" for block in loaded.accounts or ()]
    if loaded.organization:
        accounts.append(f"the organization's, as role {loaded.organization.role_name}")
    return ", ".join(accounts) or "the one of the default AWS credentials"


def _regions(loaded: Config) -> str:
    if not loaded.regions:
        return "the default region of the AWS settings"
    return "every enabled region" if loaded.regions == ALL_REGIONS else ", ".join(loaded.regions)


def _named_regions(loaded: Config) -> Iterator[str]:
    """Every region that the file names, wherever it does."""
    named = [loaded.regions, *(account.regions for account in loaded.accounts or ())]
    if loaded.organization:
        named.append(loaded.organization.regions)
    for regions in named:
        if regions and regions != ALL_REGIONS:
            yield from regions


def _matched(policy: Policy) -> str:
    tags = (f"{key}={value}" for key, value in policy.tags.items())
    return " and ".join((*policy.ids, *tags)) or "all connections"


def _stated(policy: Policy) -> Iterator[str]:
    if policy.expected_tunnels is not None:
        yield f"tunnels expected: {policy.expected_tunnels}"
    if policy.ignore is not None:
        yield "ignored: never alarmed" if policy.ignore else "not ignored"
    if policy.planned:
        yield "planned: " + ", ".join(f"{moment(window.start)} until {moment(window.end)}" for window in policy.planned)
    if policy.availability_objective is not None:
        yield f"available {policy.availability_objective:.2%} of the time"
    if policy.device:
        yield f"device file with peers {', '.join(policy.device)}"
    if policy.standby_tunnels:
        standby = policy.standby_tunnels
        yield f"standby tunnels: {standby if isinstance(standby, str) else ', '.join(standby)}"
    for name, value in policy.customer_gateway.items():
        yield f"customer gateway {BY_NAME[name].key} {text(value)}"
