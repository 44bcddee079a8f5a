"""What AWS logged about the tunnels of one connection, word by word, from wherever its log lines lie.

Its sections are closed at first, and it never refreshes by itself: CloudWatch Logs charges for what it scans.
"""

from grafana_foundation_sdk.builders import cloudwatch, logs, loki
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import cloudwatch as cloudwatch_model
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as model

from grafana.board import Board, Section, choice
from grafana.panels import Panel
from grafana.queries import TARGETS

_LIMIT = 500
_CLOUDWATCH = shapes.DataSourceRef(type_val="cloudwatch", uid="${cloudwatch}")
_LOKI = shapes.DataSourceRef(type_val="loki", uid="${loki}")
_PICKED = f'{TARGETS}, vpn_connection_id="$connection"'
_INSIGHTS = f"""fields @timestamp, @message
| filter @logStream like "${{connection}}" or @message like "${{connection}}"
| sort @timestamp desc
| limit {_LIMIT}"""


def _lines(title: str, description: str, source: shapes.DataSourceRef, query: Builder[Dataquery]) -> Panel:
    return (
        logs.Panel()
        .title(title)
        .description(description)
        .datasource(source)
        .with_target(query)
        .no_value("No line in this time")
        .show_time(True)
        .wrap_log_message(True)
        .enable_log_details(True)
        .sort_order(shapes.LogsSortOrder.DESCENDING)
        .span(24)
        .height(20)
    )


FROM_CLOUDWATCH = _lines(
    "Lines in CloudWatch Logs",
    "What AWS wrote about the connection that is chosen into the log group that is named above. CloudWatch Logs "
    "charges for what it scans.",
    _CLOUDWATCH,
    cloudwatch.LogsQuery()
    .query_mode(cloudwatch_model.QueryMode.LOGS)
    .ref_id("A")
    .id("")
    .region("${connection_region}")
    .log_group_names(["${log_group}"])
    .expression(_INSIGHTS)
    .datasource(_CLOUDWATCH),
)
FROM_LOKI = _lines(
    "Lines in Loki",
    "Lines that name the connection or one of its tunnels, in the streams that are named above.",
    _LOKI,
    loki.Dataquery().expr("${streams} |~ `${connection}|${tunnel}`").max_lines(_LIMIT).ref_id("A").datasource(_LOKI),
)


def _source(name: str, label: str, kind: str) -> build.DatasourceVariable:
    return build.DatasourceVariable(name).label(label).type(kind)


def _text(name: str, label: str, description: str, value: str) -> build.TextBoxVariable:
    typed = model.VariableOption(text=value, value=value)
    return build.TextBoxVariable(name).label(label).description(description).default_value(value).current(typed)


def _of_connection(name: str, query: str, many: bool) -> build.QueryVariable:
    """What follows from the connection: nobody chooses it."""
    return choice(name, name, query, many).hide(model.VariableHide.HIDE_VARIABLE)


LOGS = Board(
    uid="aws-vpn-logs",
    title="AWS VPN / Logs",
    description="What AWS logged about the tunnels of one Site-to-Site VPN connection, from CloudWatch Logs or Loki.",
    sections=(
        Section("CloudWatch Logs: open to ask", (FROM_CLOUDWATCH,), closed=True),
        Section("Loki: open to ask", (FROM_LOKI,), closed=True),
    ),
    connections="one",
    more_variables=(
        _source("cloudwatch", "CloudWatch", "cloudwatch"),
        _text("log_group", "Log group", "Where the tunnels' logs go; the AWS console names it", "vpn-logs"),
        _source("loki", "Loki", "loki"),
        _text("streams", "Loki streams", "The selector of the streams that hold the tunnels' logs", '{job="aws-vpn"}'),
        _of_connection("connection_region", f"label_values(aws_vpn_connection_info{{{_PICKED}}}, region)", many=False),
        _of_connection("tunnel", f"label_values(aws_vpn_tunnel_up{{{_PICKED}}}, tunnel_ip)", many=True),
    ),
    refresh="",
)
