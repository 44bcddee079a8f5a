"""`diagnose`: asks AWS once and prints why tunnels are down and what to do. Changes nothing."""

import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from aws_vpn_exporter.commands.ask_once import (
    ALL_WELL,
    NO_ANSWER,
    NOT_WELL,
    TIMEOUT,
    ask_once,
    connections_and_targets,
    saw_everything,
)
from aws_vpn_exporter.commands.diagnose_text import as_text
from aws_vpn_exporter.diagnosis.cause import Cause
from aws_vpn_exporter.diagnosis.commands import Repair, commands, commands_against_risk
from aws_vpn_exporter.diagnosis.risks import AT_RISK, Risk
from aws_vpn_exporter.summary import RUNBOOKS, ConnectionCard, Health, TargetRow, TunnelRow


def diagnose(
    config_file: Path | None,
    vpn_connection_id: str | None,
    region: str | None,
    account: str | None,
    output: str,
    watch: bool,
    timeout: float = TIMEOUT,
) -> int:
    """Prints all connections, or the one that is named, as `output`: "text" or "json".

    With a `region` or `account`, only its own. With `watch`, prints them again after each change, until everything is
    well. Returns ALL_WELL, NOT_WELL, or NO_ANSWER where a target or an optional source does not answer within `timeout`
    seconds. Raises ConfigError or CannotStartError.
    """
    exporter = ask_once(config_file, timeout, region)
    colored = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    printed = ""
    while True:
        cards, targets = connections_and_targets(exporter, vpn_connection_id, account)
        code = _exit_code(cards, targets)
        states = repr([(card.connection, card.verdict) for card in cards])
        if states != printed:
            told = as_json(cards, targets) if output == "json" else as_text(cards, targets, colored)
            print(told, flush=True)
        if code == ALL_WELL or not watch:
            return code
        printed = states
        time.sleep(1)


def _exit_code(cards: Iterable[ConnectionCard], targets: Iterable[TargetRow]) -> int:
    if not saw_everything(targets):
        return NO_ANSWER
    return ALL_WELL if all(card.health >= Health.GOOD for card in cards) else NOT_WELL


def as_json(cards: Iterable[ConnectionCard], targets: Iterable[TargetRow]) -> str:
    """For a machine: the same, as one object."""
    return json.dumps(
        {
            "targets": [
                {
                    "account_id": row.target.account_id,
                    "region": row.target.region,
                    "answers": row.tone == "good",
                    "detail": row.detail,
                    "sources": {
                        name: {"answers": tone == "good", "detail": detail} for tone, name, detail in row.sources
                    },
                }
                for row in targets
            ],
            "connections": [_connection_as_json(card) for card in cards],
        },
        indent=2,
        ensure_ascii=False,
    )


def _connection_as_json(card: ConnectionCard) -> dict[str, Any]:
    return {
        "account_id": card.target.account_id,
        "region": card.target.region,
        "vpn_connection_id": card.connection.id,
        "name": card.connection.name,
        "state": card.connection.state,
        "customer_gateway": {
            "id": card.connection.customer_gateway_id,
            "address": card.device.address if card.device else "",
            "as_number": card.device.as_number if card.device else "",
            "device": card.device.device if card.device else "",
        },
        "changes": [change._asdict() for change in card.changes],
        "verdict": card.health.name.lower(),
        "tunnels_up": card.connection.tunnels_up,
        "tunnels_expected": card.expected,
        "tunnels": [
            {
                "tunnel_ip": tunnel.outside_ip,
                "state": tunnel.case.state,
                "message": tunnel.message,
                "since": tunnel.case.changed,
                "causes": [_cause_as_json(card, tunnel, cause) for cause in tunnel.causes],
                **_rekeys_as_json(card, tunnel),
            }
            for tunnel in card.tunnels
        ],
    }


def _cause_as_json(card: ConnectionCard, tunnel: TunnelRow, cause: Cause) -> dict[str, Any]:
    return {
        "cause": cause.kind,
        "detail": cause.detail,
        "confidence": cause.confidence,
        "evidence": cause.evidence,
        "against": cause.against,
        "missing": cause.missing,
        "remedy": cause.remedy,
        "runbook": RUNBOOKS + cause.runbook,
        "turn_on_to_know_more": cause.turn_on,
        "repair": _repair_as_json(commands(cause, tunnel.case, card.target.region)),
    }


def _rekeys_as_json(card: ConnectionCard, tunnel: TunnelRow) -> dict[str, Any]:
    """What is known of how the tunnel renews its keys; no key at all where the configuration does not ask."""
    if not tunnel.risks:
        return {}
    return {
        "rekey_due": {f"phase{phase}": due for phase, due in tunnel.rekey_due},
        "risks": [_risk_as_json(card, tunnel, risk) for risk in tunnel.risks],
    }


def _risk_as_json(card: ConnectionCard, tunnel: TunnelRow, risk: Risk) -> dict[str, Any]:
    at_risk = (
        {}
        if risk.degree < AT_RISK
        else {
            "remedy": risk.remedy,
            "runbook": RUNBOOKS + risk.runbook,
            "repair": _repair_as_json(commands_against_risk(risk, tunnel.case, card.target.region)),
        }
    )
    return {"rule": risk.rule, "degree": risk.degree, "sees": risk.sees, **at_risk}


def _repair_as_json(repair: Repair) -> dict[str, Any]:
    return {
        "advised": repair.advised,
        "warnings": repair.warnings,
        "look": repair.look,
        "change": repair.change,
    }
