"""The command line: its parser, and the exit code of errors. The commands themselves are in `commands/`."""

import argparse
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from aws_vpn_exporter import __version__, log_format, permissions
from aws_vpn_exporter.aws.session import CannotStartError
from aws_vpn_exporter.commands import OUTPUTS
from aws_vpn_exporter.commands.ask_once import ALL_WELL, NO_ANSWER, NOT_WELL, TIMEOUT
from aws_vpn_exporter.commands.bundle import BundleError, bundle
from aws_vpn_exporter.commands.check_config import check_config
from aws_vpn_exporter.commands.compare import compare
from aws_vpn_exporter.commands.demo import demo
from aws_vpn_exporter.commands.diagnose import diagnose
from aws_vpn_exporter.commands.iam_policy import FORMATS, iam_policy
from aws_vpn_exporter.commands.maintenance_plan import STEP, maintenance_plan
from aws_vpn_exporter.commands.serve import serve
from aws_vpn_exporter.config import ConfigError
from aws_vpn_exporter.devices import DeviceError
from aws_vpn_exporter.fields import seconds
from aws_vpn_exporter.flag_parser import PREFIX, WRONG_USE, FlagParser, Repeated
from aws_vpn_exporter.redaction import redacted
from aws_vpn_exporter.sharding import EVERYTHING, Shard
from aws_vpn_exporter.web.server import ListenError

CANNOT_START = 1

_ENDS = {0: "it was ended by a signal, or has printed what was asked for", CANNOT_START: "it cannot start"}
_PRINTS = {0: "it has printed what was asked for", CANNOT_START: "it cannot"}
_ANSWERS = {ALL_WELL: "all is well", NOT_WELL: "not all is well", NO_ANSWER: "unknown, as AWS did not answer"}
_PLANS = {
    ALL_WELL: "all that is pending is planned",
    NOT_WELL: "some of it cannot be planned",
    NO_ANSWER: "unknown, as AWS did not answer, or the block maintenance is off",
}
_CHECKS = {ALL_WELL: "all is well", CANNOT_START: "it is not valid", NO_ANSWER: "AWS does not answer (--live)"}
"""By the exit code, what it means."""

_EPILOG = """\
Each flag can be set by an environment variable too, which the flag itself goes before:
{variable} for --config.file, and so on. Switches take true or false.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the process's exit code."""
    options = vars(parser().parse_args(arguments))
    command: Callable[..., int] = options.pop("command")
    code_of_errors: int = options.pop("code_of_errors")
    try:
        return command(**options)
    except (BundleError, CannotStartError, ConfigError, DeviceError, ListenError) as error:
        print(f"aws-vpn-exporter: {redacted(error)}", file=sys.stderr)
        return code_of_errors
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of standard output has gone. Python flushes it again at exit, which must not fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def parser() -> FlagParser:
    """The parser; the name of each option (`dest`) is that of a parameter of the command's function."""
    parser = FlagParser(
        prog="aws-vpn-exporter",
        description="Prometheus exporter for AWS Site-to-Site VPN connections and their tunnels.",
        epilog="aws-vpn-exporter COMMAND --help tells about a command, its flags and exit codes.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(
        function: Callable[..., int], summary: str, codes: Mapping[int, str], code_of_errors: int = CANNOT_START
    ) -> FlagParser:
        name = function.__name__.replace("_", "-")
        added = commands.add_parser(name, help=summary, description=summary, epilog=_epilog(codes))
        added.set_defaults(command=function, code_of_errors=code_of_errors)
        return added

    _add_serve(command(serve, "Watch VPN connections and serve /metrics and a status page.", _ENDS))
    _add_demo(command(demo, "The same on a simulated AWS: needs no AWS account and changes nothing.", _ENDS))
    _add_diagnose(command(diagnose, "Ask AWS once; print why tunnels are down and what to do.", _ANSWERS, NO_ANSWER))
    _add_compare(
        command(compare, "Compare a customer gateway's configuration file with AWS's options.", _ANSWERS, NO_ANSWER)
    )
    _add_check_config(command(check_config, "Check the configuration files; print what would be watched.", _CHECKS))
    _add_iam_policy(command(iam_policy, "Print the least IAM policies that the configuration needs.", _PRINTS))
    _add_bundle(
        command(bundle, "Write alert rules, runbooks, Alertmanager configuration and dashboards to a folder.", _PRINTS)
    )
    _add_maintenance_plan(
        command(maintenance_plan, "Ask AWS once; print when to apply pending maintenance, and how.", _PLANS, NO_ANSWER)
    )
    return parser


def _epilog(codes: Mapping[int, str]) -> str:
    """The exit codes and the environment variables, for the end of a command's help."""
    named = dict(codes)
    named[WRONG_USE] = "; ".join(filter(None, (codes.get(WRONG_USE), "wrong use")))
    lines = "".join(f"  {code}  {meaning}\n" for code, meaning in sorted(named.items()))
    return f"exit codes:\n{lines}\n{_EPILOG.format(variable=f'{PREFIX}CONFIG_FILE')}"


def _add_serve(parser: argparse.ArgumentParser) -> None:
    _add_config_file(parser)
    parser.add_argument(
        "--config.auto-reload-interval",
        dest="auto_reload_interval",
        type=_duration,
        metavar="DURATION",
        help="how often to look whether the configuration file has changed, such as 30s, and then to read it again; "
        "default: never",
    )
    parser.add_argument(
        "--shard",
        type=_shard,
        default=EVERYTHING,
        metavar="I/N",
        help="watch only part I, counted from 0, of the targets split between N exporters",
    )
    _add_server(parser, ":10450")
    parser.add_argument(
        "--web.systemd-socket",
        dest="systemd_socket",
        action="store_true",
        help="serve on the sockets that systemd passes, in place of --web.listen-address",
    )


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scenario", metavar="NAME", default="tour", help="what the simulated AWS shows; default: %(default)s"
    )
    parser.add_argument("--list-scenarios", action="store_true", help="list the scenarios and exit")
    _add_output(parser, "how they are listed")
    _add_server(parser, "127.0.0.1:10450")


def _add_diagnose(parser: argparse.ArgumentParser) -> None:
    _add_config_file(parser)
    parser.add_argument("--vpn-connection-id", metavar="ID", help="only this connection")
    parser.add_argument("--region", metavar="REGION", help="only this region, whatever the configuration names")
    parser.add_argument("--account", metavar="ID", help="only this account")
    _add_output(parser)
    parser.add_argument("--watch", action="store_true", help="ask again until all is well; print each change")
    _add_timeout(parser)


def _add_compare(parser: argparse.ArgumentParser) -> None:
    _add_config_file(parser)
    parser.add_argument(
        "--device",
        type=Path,
        metavar="FILE",
        required=True,
        help="the customer gateway's file: strongSwan swanctl.conf or Cisco IOS",
    )
    parser.add_argument(
        "--vpn-connection-id", metavar="ID", required=True, help="the connection to this customer gateway"
    )
    _add_output(parser)
    _add_timeout(parser)


def _add_maintenance_plan(parser: argparse.ArgumentParser) -> None:
    _add_config_file(parser)
    parser.add_argument(
        "--step",
        type=_duration,
        default=STEP,
        metavar="DURATION",
        help="how long each tunnel gets, such as 30m; default: 15m",
    )
    _add_timeout(parser)


def _add_check_config(parser: argparse.ArgumentParser) -> None:
    _add_config_file(parser)
    _add_web_config_file(parser)
    parser.add_argument("--live", action="store_true", help="ask AWS, and print what each target answers")
    _add_output(parser)
    _add_timeout(parser)


def _add_timeout(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout",
        type=float,
        default=TIMEOUT,
        metavar="SECONDS",
        help="how long to wait for AWS; what has not answered by then is reported; default: %(default)g",
    )


def _add_iam_policy(parser: argparse.ArgumentParser) -> None:
    _add_config_file(parser)
    parser.add_argument(
        "--output", "--format", dest="output", choices=FORMATS, default="json", help="default: %(default)s"
    )
    parser.add_argument(
        "--hub-role-arn",
        metavar="ARN",
        default=permissions.HUB_ROLE_ARN,
        help="the exporter's own role, which the roles in member accounts trust",
    )
    parser.add_argument(
        "--organization-id",
        metavar="ID",
        default=permissions.ORGANIZATION_ID,
        help="the organization that the trust policies require",
    )


def _add_bundle(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, metavar="DIR", required=True, help="the folder, which is made if need be")
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there and say something else")
    _add_output(parser)


def _add_output(parser: argparse.ArgumentParser, what: str = "what is printed") -> None:
    parser.add_argument("--output", choices=OUTPUTS, default="text", help=f"{what}; default: %(default)s")


def _add_server(parser: argparse.ArgumentParser, listen_address: str) -> None:
    parser.add_argument(
        "--web.listen-address",
        dest="listen_addresses",
        action=Repeated,
        default=(listen_address,),
        metavar="ADDRESS",
        help=f"host:port or :port to serve on; may be given several times; default: {listen_address}",
    )
    parser.add_argument(
        "--web.telemetry-path",
        dest="telemetry_path",
        type=_telemetry_path,
        default="/metrics",
        metavar="PATH",
        help="path of the metrics; default: %(default)s",
    )
    _add_web_config_file(parser)
    parser.add_argument(
        "--web.enable-lifecycle",
        dest="enable_lifecycle",
        action="store_true",
        help="let POST /-/reload read the configuration again; SIGHUP always does",
    )
    parser.add_argument(
        "--log.level", dest="log_level", choices=log_format.LEVELS, default="info", help="default: %(default)s"
    )
    parser.add_argument(
        "--log.format", dest="log_format", choices=log_format.FORMATS, default="logfmt", help="default: %(default)s"
    )


def _add_config_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config.file", dest="config_file", type=Path, metavar="FILE", help="configuration; without it, the defaults"
    )


def _add_web_config_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--web.config.file",
        dest="web_config_file",
        type=Path,
        metavar="FILE",
        help="TLS and basic authentication, in the format of Prometheus's exporter-toolkit",
    )


def _telemetry_path(text: str) -> str:
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+|/", text) or text.startswith("/-/"):
        raise argparse.ArgumentTypeError(f"should be a path such as /metrics and not below /-/, not {text!r}")
    return text


def _duration(text: str) -> float:
    try:
        return seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _shard(text: str) -> Shard:
    try:
        return Shard.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
