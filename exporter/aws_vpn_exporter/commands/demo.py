"""`demo`: the exporter on a simulated AWS."""

import json
import os
import time
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from urllib.parse import urlsplit

from aws_vpn_exporter.aws.session import CannotStartError
from aws_vpn_exporter.commands.serve import serve

_ENVIRONMENT = {
    **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "demo"),
    "AWS_REGION": "eu-west-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


def demo(
    scenario: str,
    list_scenarios: bool,
    web_config_file: Path | None,
    listen_addresses: Sequence[str],
    log_level: str,
    log_format: str,
    enable_lifecycle: bool,
    telemetry_path: str = "/metrics",
    output: str = "text",
) -> int:
    """Serves a simulated AWS and an exporter of it, as `serve` does; or lists the scenarios as `output`, text or json.

    Replaces the process's AWS_* environment variables, and goes around its proxies. Raises CannotStartError for an
    unknown scenario.
    """
    # The simulation is imported for this command only: `serve` has no use for its memory.
    from aws_vpn_exporter.demo.fleet import SCENARIOS, Fleet, RepairedFleet
    from aws_vpn_exporter.demo.server import SimulatedAws

    if list_scenarios:
        described = {name: known.description for name, known in SCENARIOS.items()}
        if output == "json":
            print(json.dumps({"scenarios": described}, indent=2))
        else:
            print("\n".join(f"{name:22}{description}" for name, description in described.items()))
        return 0
    if scenario not in SCENARIOS:
        raise CannotStartError(f"there is no scenario {scenario!r}; choose one of {', '.join(SCENARIOS)}")
    fleet = Fleet(time.time, scenario)
    repaired = RepairedFleet(fleet.describe, time.time)
    with (
        SimulatedAws(repaired.describe, script=fleet.fault, sources=fleet, changes=repaired) as aws,
        as_file(files("aws_vpn_exporter.demo") / "config.yaml") as config_file,
    ):
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(_ENVIRONMENT, AWS_ENDPOINT_URL=aws.url)
        for name in ("no_proxy", "NO_PROXY"):  # the simulated AWS runs here, where no proxy leads to
            os.environ[name] = ",".join(filter(None, (os.environ.get(name), urlsplit(aws.url).hostname)))
        about = f"Scenario: {scenario}.\n  {SCENARIOS[scenario].description}"
        print(_welcome(aws.url, about, listen_addresses[0], telemetry_path), flush=True)
        return serve(
            config_file,
            web_config_file,
            listen_addresses,
            log_level,
            log_format,
            enable_lifecycle,
            telemetry_path=telemetry_path,
        )


def _welcome(url: str, about: str, listen_address: str, telemetry_path: str) -> str:
    host, _, port = listen_address.rpartition(":")
    address = f"{host or 'localhost'}:{port}"
    return (
        f"A simulated AWS runs at {url}, and the exporter watches it. {about}\n\n"
        f"Open http://{address}/         which connections have fewer than two tunnels up\n"
        f"     http://{address}{telemetry_path}  the same for Prometheus: look for aws_vpn_connection_tunnels_up\n\n"
        "Press Ctrl-C to stop. `aws-vpn-exporter demo --list-scenarios` lists the other scenarios.\n"
    )
