"""`maintenance-plan`: when to apply the maintenance that AWS has pending, tunnel by tunnel. Changes nothing."""

import shlex
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from aws_vpn_exporter import summary
from aws_vpn_exporter.aws.session import CannotStartError
from aws_vpn_exporter.commands.ask_once import (
    ALL_WELL,
    NO_ANSWER,
    NOT_WELL,
    TIMEOUT,
    ask_once,
    saw_everything,
    unanswered,
)
from aws_vpn_exporter.diagnosis.change import REPLACE, Change
from aws_vpn_exporter.planning import Plan, Step, Work, plan
from aws_vpn_exporter.status import connection_statuses, neighborhood
from aws_vpn_exporter.wording import moment

STEP = 900.0
"""Seconds for one tunnel, unless the user says otherwise: some minutes down, and time to see that it is back."""

SILENCED = "AwsVpnConnectionRedundancyLost|AwsVpnTunnel(Flapping|NoRoutes|WontRecoverAlone)"
"""What a single tunnel that is down raises. None of these is about a connection or a site without any way up."""


def maintenance_plan(config_file: Path | None, step: float = STEP, timeout: float = TIMEOUT) -> int:
    """Prints a plan in steps of `step` seconds, with the silence and the command of each.

    Returns ALL_WELL, NOT_WELL where some maintenance cannot be planned, or NO_ANSWER where not everything answered
    within `timeout` seconds. Raises ConfigError, or CannotStartError where the source `maintenance` is off.
    """
    exporter = ask_once(config_file, timeout)
    statuses, now = exporter.statuses(), time.time()
    if not all("maintenance" in status.sources for status in statuses):
        raise CannotStartError("maintenance is not read: turn on the block `maintenance` in the configuration")
    around = neighborhood(statuses)
    connections = [one for status in statuses for one in connection_statuses(status, exporter.settings, now, around)]
    made = plan(connections, now, step)
    targets = summary.target_rows(statuses, now)
    for target in unanswered(targets):
        print(f"Could not look at {target.target}: {target.state}: {target.detail}")
    for target in targets:
        bad = [(name, said) for tone, name, said in target.sources if tone == "bad"]
        print("".join(f"{target.target}: {name}: {said}\n" for name, said in bad), end="")
    print("".join(f"{line}\n" for line in _lines(made, config_file)), end="")
    if not saw_everything(targets):
        print("This is not the whole plan: not everything answered.")
        return NO_ANSWER
    if not made.steps and not made.left_out:
        print("No maintenance is pending. AWS shows it for tunnels with lifecycle control only.")
    return NOT_WELL if made.left_out else ALL_WELL


def _lines(made: Plan, config_file: Path | None) -> Iterator[str]:
    for number, step in enumerate(made.steps, 1):
        yield f"{number}. {moment(step.begin)} to {moment(step.end)}: {_named(step.work)}"
        tunnel_ip = step.work.case.tunnel.outside_ip
        yield f"   Silence: {silence(step.begin, step.end, tunnel_ip, step.work.connection.labels)}"
        yield f"   Look: {_diagnose(step, config_file)}"
        yield f"   Only where another way is up: {_replace(step)}"
        yield f"   Go on once this ends: {_diagnose(step, config_file)} --watch"
    if any(step.work.connection.settings.planned(step.work.connection.connection) for step in made.steps):
        yield "Within a planned window the rules raise no alert about a connection at all: stay with it until it is up."
    for work, why in made.left_out:
        yield f"Not planned: {_named(work)}. {why}"


def _named(work: Work) -> str:
    connection = work.connection.connection
    named = f"{connection.name} ({connection.id})" if connection.name else connection.id
    by = "" if work.by == float("inf") else f"; AWS applies it by itself after {moment(work.by)}"
    return f"{named} in {work.connection.target}, tunnel {work.case.tunnel.outside_ip}{by}"


def silence(begin: float, end: float, tunnel_ip: str, connection: Mapping[str, str]) -> str:
    """An amtool command that silences what one tunnel's maintenance raises, between two Unix times.

    `connection` has the labels of the tunnel's connection. The author is whoever runs it.
    """
    named = (f"{name}={connection[name]}" for name in ("account_id", "region", "vpn_connection_id"))
    return shlex.join(
        (
            *("amtool", "silence", "add", f"--start={_rfc3339(begin)}", f"--end={_rfc3339(end)}"),
            f"--comment=maintenance of tunnel {tunnel_ip}",
            f"alertname=~{SILENCED}",
            *named,
        )
    )


def _diagnose(step: Step, config_file: Path | None) -> str:
    asked = (f"--config.file={config_file}",) if config_file else ()
    only = f"--vpn-connection-id={step.work.connection.connection.id}"
    return shlex.join(("aws-vpn-exporter", "diagnose", *asked, only))


def _replace(step: Step) -> str:
    work = step.work
    return Change(REPLACE, applies_pending=True).line(work.case, work.connection.target.region)


def _rfc3339(unix_time: float) -> str:
    return datetime.fromtimestamp(unix_time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
