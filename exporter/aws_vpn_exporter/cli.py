"""The commands, and what they are wired from."""

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.resources import as_file, files
from pathlib import Path
from typing import NoReturn

from aws_vpn_exporter import __version__, config, devices, diagnose, log_format, summary
from aws_vpn_exporter import iam_policy as permissions
from aws_vpn_exporter.aws.session import Aws, CannotStartError
from aws_vpn_exporter.config import Config, ConfigError
from aws_vpn_exporter.devices import DeviceError
from aws_vpn_exporter.exporter import Exporter
from aws_vpn_exporter.options import BY_NAME, text
from aws_vpn_exporter.sharding import EVERYTHING, Shard
from aws_vpn_exporter.sources import SOURCES
from aws_vpn_exporter.summary import ConnectionCard, TargetRow
from aws_vpn_exporter.web.app import application
from aws_vpn_exporter.web.protection import WebConfigFile
from aws_vpn_exporter.web.server import ListenError, listening, serve
from aws_vpn_exporter.wording import duration

log = logging.getLogger(__name__)

CANNOT_START = 1
COULD_NOT_LOOK = diagnose.COULD_NOT_LOOK
WRONG_USE = 2

_DEMO_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "demo",
    "AWS_SECRET_ACCESS_KEY": "demo",
    "AWS_REGION": "eu-west-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; the process's exit code."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int | None] = options.command
    try:
        return command(options) or 0
    except (CannotStartError, ConfigError, DeviceError, ListenError) as error:
        print(f"aws-vpn-exporter: {error}", file=sys.stderr)
        return COULD_NOT_LOOK if command in (_diagnose, _compare) else CANNOT_START
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of a pipe has gone; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, and where to read on."""
        print(f"{self.prog}: {message}; see `{self.prog} --help`", file=sys.stderr)
        sys.exit(WRONG_USE)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="aws-vpn-exporter",
        description="Prometheus exporter for AWS Site-to-Site VPN connections and their tunnels.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], int | None], summary: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        made.set_defaults(command=run)
        return made

    made = command("serve", _serve, "Watch VPN connections and serve /metrics and a status page.")
    _add_config(made)
    made.add_argument(
        "--shard",
        type=_shard,
        default=EVERYTHING,
        metavar="I/N",
        help="watch only part I, counted from 0, of the targets split between N exporters",
    )
    _add_web(made, ":10450")
    made = command("demo", _demo, "The same on a simulated AWS: needs no account, changes nothing anywhere.")
    made.add_argument(
        "--scenario", metavar="NAME", default="tour", help="what the simulated AWS shows; default: %(default)s"
    )
    made.add_argument("--list-scenarios", action="store_true", help="list the scenarios and exit")
    _add_web(made, "127.0.0.1:10450")
    made = command(
        "diagnose",
        _diagnose,
        "Look once; say why tunnels are down and what to do. Exit code 0: all is well, 1: not.",
    )
    _add_config(made)
    made.add_argument("--vpn-connection-id", metavar="ID", help="only this connection")
    made.add_argument("--output", choices=("text", "json"), default="text", help="default: text")
    made.add_argument("--watch", action="store_true", help="go on until everything is well")
    made = command("compare", _compare, "Hold a customer gateway's configuration file against AWS's options.")
    _add_config(made)
    made.add_argument("--device", type=Path, metavar="FILE", required=True, help="swanctl.conf or Cisco IOS")
    made.add_argument("--vpn-connection-id", metavar="ID", required=True, help="the connection to the device")
    made = command("check-config", _check_config, "Check a configuration file and print what would be watched.")
    _add_config(made)
    made.add_argument("--web.config.file", dest="web_config_file", type=Path, metavar="FILE", help=_WEB_CONFIG_HELP)
    made.add_argument("--live", action="store_true", help="ask AWS, and print each target and what it answers")
    made = command("iam-policy", _iam_policy, "Print the least IAM policies for what the configuration turns on.")
    _add_config(made)
    made.add_argument("--format", choices=permissions.FORMATS, default="json", help="default: json")
    made.add_argument(
        "--hub-role-arn",
        metavar="ARN",
        default=permissions.HUB_ROLE_ARN,
        help="the role that the exporter runs with, trusted by the roles of member accounts",
    )
    made.add_argument(
        "--organization-id",
        metavar="ID",
        default=permissions.ORGANIZATION_ID,
        help="the organization that the trust policies ask for",
    )
    return parser


def _shard(text: str) -> Shard:
    try:
        return Shard.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


_WEB_CONFIG_HELP = "TLS and basic authentication, in the format of Prometheus's exporter-toolkit"


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config.file", dest="config_file", type=Path, metavar="FILE", help="configuration; without it, the defaults"
    )


def _add_web(parser: argparse.ArgumentParser, address: str) -> None:
    parser.add_argument(
        "--web.listen-address",
        dest="listen_address",
        default=address,
        metavar="ADDRESS",
        help="host:port or :port to serve on; default: %(default)s",
    )
    parser.add_argument("--web.config.file", dest="web_config_file", type=Path, metavar="FILE", help=_WEB_CONFIG_HELP)
    parser.add_argument(
        "--log.level", dest="log_level", choices=log_format.LEVELS, default="info", help="default: info"
    )
    parser.add_argument(
        "--log.format", dest="log_format", choices=log_format.FORMATS, default="logfmt", help="default: logfmt"
    )


def _serve(options: argparse.Namespace) -> None:
    log_format.setup(options.log_level, options.log_format)
    _run(options, options.config_file, options.shard)


def _run(options: argparse.Namespace, config_file: Path | None, shard: Shard = EVERYTHING) -> None:
    web_config = WebConfigFile(options.web_config_file)
    aws = Aws()
    exporter = Exporter(aws, config_file, shard)
    listener = listening(options.listen_address)
    aws.check_credentials()
    if custom := aws.custom_endpoints():
        log.info("custom endpoints: %s", ", ".join(f"{service} {url}" for service, url in custom.items()))
    exporter.start()
    log.info("aws-vpn-exporter %s listens on %s", __version__, options.listen_address)
    serve(application(exporter, web_config), listener, web_config.tls(), lambda: _reload(exporter))


def _reload(exporter: Exporter) -> None:
    with suppress(ConfigError):  # said in the log and by a metric; SIGHUP has nobody to answer
        exporter.reload()


def _demo(options: argparse.Namespace) -> None:
    # The simulation is loaded for this command only: `serve` has no use for its memory.
    from aws_vpn_exporter.demo.fleet import SCENARIOS, Fleet
    from aws_vpn_exporter.demo.server import SimulatedAws

    if options.list_scenarios:
        for name, scenario in SCENARIOS.items():
            print(f"{name:22}{scenario.description}")
        return
    if options.scenario not in SCENARIOS:
        raise CannotStartError(f"there is no scenario {options.scenario!r}; choose one of {', '.join(SCENARIOS)}")
    log_format.setup(options.log_level, options.log_format)
    fleet = Fleet(time.time, options.scenario)
    with (
        SimulatedAws(fleet.describe, script=fleet.fault, sources=fleet) as aws,
        as_file(files("aws_vpn_exporter.demo") / "config.yaml") as config_file,
    ):
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(_DEMO_ENVIRONMENT, AWS_ENDPOINT_URL=aws.url)
        host, _, port = options.listen_address.rpartition(":")
        address = f"{host or 'localhost'}:{port}"
        print(
            f"A simulated AWS runs at {aws.url}, and the exporter watches it. Scenario: {options.scenario}.\n"
            f"  {SCENARIOS[options.scenario].description}\n\n"
            f"Open http://{address}/         which connections have fewer than two tunnels up\n"
            f"     http://{address}/metrics  the same for Prometheus: look for aws_vpn_connection_tunnels_up\n\n"
            "Press Ctrl-C to stop. `aws-vpn-exporter demo --list-scenarios` shows what else can happen.\n",
            flush=True,
        )
        _run(options, config_file)


def _looked(options: argparse.Namespace) -> Exporter:
    """An exporter that has asked about every target; progress is shown on a terminal."""
    log_format.setup("error", "logfmt")
    aws = Aws()
    exporter = Exporter(aws, options.config_file)
    aws.check_credentials()
    exporter.start()
    while not (exporter.ready and exporter.sources_ready):
        if sys.stderr.isatty():
            tried, total = exporter.progress
            print(f"\rasked about {tried} of {total} accounts and regions ", end="", file=sys.stderr, flush=True)
        time.sleep(0.1)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    return exporter


def _diagnose(options: argparse.Namespace) -> int:
    exporter = _looked(options)
    before = ""
    while True:
        cards, targets = _cards(exporter, options.vpn_connection_id)
        code = diagnose.exit_code(cards, targets)
        said = diagnose.as_json(cards, targets) if options.output == "json" else diagnose.as_text(cards, targets)
        states = repr([(card.connection, card.verdict) for card in cards])
        if states != before:
            print(said, flush=True)
        if code == diagnose.ALL_WELL or not options.watch:
            return code
        before = states
        time.sleep(1)


def _compare(options: argparse.Namespace) -> int:
    try:
        device = devices.read(options.device.read_text(errors="replace"))
    except OSError as error:
        raise DeviceError(f"{options.device}: cannot be read: {error.strerror}") from None
    exporter = _looked(options)
    cards, _ = _cards(exporter, options.vpn_connection_id)
    said, code = diagnose.comparison(cards[0], device, exporter.settings)
    print(said, end="")
    return code


def _cards(exporter: Exporter, only: str | None) -> tuple[list[ConnectionCard], list[TargetRow]]:
    """Connections and targets as a person is told of them; where `only` is given, that connection and its target."""
    statuses, now = exporter.statuses(), time.time()
    cards, targets = summary.cards(statuses, exporter.settings, now), summary.target_rows(statuses, now)
    if only is None:
        return cards, targets
    cards = [card for card in cards if card.connection.id == only]
    if not cards:
        failing = [row for row in targets if row.tone != "good"]
        why = f"; {failing[0].target} could not be looked at: {failing[0].detail}" if failing else ""
        raise CannotStartError(f"there is no connection {only} in what is watched{why}")
    return cards, [row for row in targets if row.target == cards[0].target]


def _check_config(options: argparse.Namespace) -> int:
    WebConfigFile(options.web_config_file)
    loaded = config.load(options.config_file) if options.config_file else Config()
    print("\n".join(_description(loaded, options.config_file)), flush=True)
    if not options.live:
        return 0
    exporter = _looked(options)
    cards, rows = _cards(exporter, None)
    for row in rows:
        print(f"{row.target}: {row.state}, connections: {row.connections}{': ' if row.detail else ''}{row.detail}")
    tunnels = sum(len(card.tunnels) for card in cards if card.connection.in_service)
    for name, block in loaded.sources().items():
        if dollars := SOURCES[name].dollars_per_month(block, tunnels):
            print(f"Charge for {name} of {tunnels} tunnels: about ${dollars:.2f} a month")
    return diagnose.COULD_NOT_LOOK if any(row.tone != "good" for row in rows) else 0


def _description(loaded: Config, file: Path | None) -> list[str]:
    regions = loaded.regions or "the default region of the AWS settings"
    named = {"all": "every enabled region"}.get(str(regions), regions)
    accounts = [
        *(f"{block.role_arn or 'the default AWS credentials'}" for block in loaded.accounts or ()),
        *(f"the organization's, as role {o.role_name}" for o in [loaded.organization] if o),
    ]
    lines = [
        f"{file} is valid." if file else "No configuration file: these are the defaults.",
        f"Accounts: {', '.join(accounts) or 'the one of the default AWS credentials'}",
        f"Regions:  {named if isinstance(named, str) else ', '.join(named)}",
        f"Polls:    every {duration(loaded.poll_interval)} where there are connections, "
        f"every {duration(loaded.discovery_interval)} where there are none",
        f"Failures: the last good values stay for {duration(loaded.stale_after)}",
        f"Tags:     {', '.join(loaded.tags) or 'none'}",
    ]
    for name, block in loaded.sources().items():
        lines.append(f"Source:   {name}, every {duration(block.interval)}")
    for name, block in loaded.sources().items():
        if dollars := SOURCES[name].dollars_per_month(block, 2):
            lines.append(f"Charge:   for {name}: about ${dollars:.2f} a month for each connection of two tunnels")
    for number, policy in enumerate(loaded.settings(file).policies, 1):
        wanted = [*policy.ids, *(f"{key}={value}" for key, value in policy.tags.items())]
        lines.append(
            f"Policy {number}: {' and '.join(wanted) or 'all connections'}: "
            + "; ".join(
                [f"tunnels expected: {policy.expected_tunnels}"] * (policy.expected_tunnels is not None)
                + [f"device file with peers {', '.join(policy.device)}"] * bool(policy.device)
                + [
                    f"customer gateway {BY_NAME[name].key} {text(value)}"
                    for name, value in policy.customer_gateway.items()
                ]
            )
        )
    return [*lines, *(f"Device:   {gap}" for gap in loaded.device_gaps(file))]


def _iam_policy(options: argparse.Namespace) -> None:
    loaded = config.load(options.config_file) if options.config_file else Config()
    needed = permissions.needed(loaded, options.hub_role_arn, options.organization_id)
    print(permissions.written(needed, options.format))
