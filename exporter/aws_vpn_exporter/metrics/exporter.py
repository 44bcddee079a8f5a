"""Metrics of the exporter about itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_vpn_exporter.metrics.record import Metric, value


@dataclass(frozen=True, slots=True)
class ExporterStatus:
    """The exporter about itself.

    `api_requests` counts by service, operation and outcome (an HTTP status code, or "error" where no answer came);
    `last_reload` is a Unix time in seconds. `web_config_successful` is None where there is no web configuration file.
    """

    version: str
    python_version: str
    boto3_version: str
    reload_successful: bool
    last_reload: float
    api_requests: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    cloudwatch_metrics_requested: int = 0
    web_config_successful: bool | None = None


EXPORTER: tuple[Metric[ExporterStatus], ...] = (
    Metric(
        "aws_vpn_exporter_build_info",
        "Versions of the exporter and of what it runs on. Always 1.",
        ("version", "python_version", "boto3_version"),
        lambda status: [
            (
                {
                    "version": status.version,
                    "python_version": status.python_version,
                    "boto3_version": status.boto3_version,
                },
                1.0,
            )
        ],
    ),
    Metric(
        "aws_vpn_exporter_config_last_reload_successful",
        "Whether the latest attempt to load the configuration succeeded.",
        (),
        value(lambda status: status.reload_successful),
    ),
    Metric(
        "aws_vpn_exporter_config_last_reload_success_timestamp_seconds",
        "When the configuration was last loaded with success, as a Unix time.",
        (),
        value(lambda status: status.last_reload),
    ),
    Metric(
        "aws_vpn_exporter_web_config_last_reload_successful",
        "Whether the web configuration file, with the files that it names, could be used when it last changed; if not, "
        "what it said before is in force. Only with --web.config.file.",
        (),
        value(lambda status: status.web_config_successful),
    ),
    Metric(
        "aws_vpn_exporter_api_requests_total",
        "Requests sent to AWS, retries included. Outcome: the HTTP status code, or error where no answer came.",
        ("service", "operation", "outcome"),
        lambda status: (
            ({"service": service, "operation": operation, "outcome": outcome}, float(n))
            for (service, operation, outcome), n in sorted(status.api_requests.items())
        ),
        type="counter",
    ),
    Metric(
        "aws_vpn_exporter_cloudwatch_metrics_requested_total",
        "Metrics that CloudWatch was asked for; AWS charges for each.",
        (),
        value(lambda status: status.cloudwatch_metrics_requested),
        type="counter",
    ),
)
