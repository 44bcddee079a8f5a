"""Is the exporter itself well, and does AWS answer it."""

from aws_vpn_exporter.sources.traffic import DOLLARS_PER_METRIC
from grafana.board import Board, Section
from grafana.panels import CALM, GREEN, ORANGE, RED, Words, lines, number
from grafana.queries import TARGET_ID, TARGETS, accounts, cause_of_failures, count, newest
from grafana.tables import Column, Facts, link, rows
from grafana.vocabulary import ACCOUNT, ANSWERING, READ, REGION, nothing_read

_JOB = 'job=~"$job"'
_REPLICA = "job, instance"
_TARGET = ("account_id", "region")
_STATUS_PAGE = link("The exporter's own page", "http://${__data.fields.instance:raw}/")
_BUILD = f"aws_vpn_exporter_build_info{{{_JOB}}}"
_TARGET_UP = newest("aws_vpn_target_up", TARGETS, TARGET_ID)
_LAST_ANSWER = f"({newest('aws_vpn_target_last_success_timestamp_seconds', TARGETS, TARGET_ID)} > 0)"
_DURATION = newest("aws_vpn_target_poll_duration_seconds", TARGETS, TARGET_ID)
_LOADED = Words({"0": ("FAILED", RED), "1": ("LOADED", GREEN)})
_REACHED = Words({"0": ("NOT REACHED", RED), "1": ("REACHED", GREEN)})


def _failures(window: str) -> str:
    return f"increase(aws_vpn_target_poll_failures_total{{{TARGETS}}}[{window}])"


COUNTS = (
    number(
        "Replicas reached",
        "Instances of the exporter that Prometheus can scrape.",
        f"count(up{{{_JOB}}} == 1 and on ({_REPLICA}) {_BUILD}) or vector(0)",
        colors=((None, RED), (1, GREEN)),
    ),
    number("Targets watched", "Accounts and regions that the exporter watches.", f"count({_TARGET_UP})"),
    number(
        "Targets without an answer",
        "Accounts and regions for which no replica gets a good answer from AWS.",
        count(f"{_TARGET_UP} == 0", _TARGET_UP),
        colors=((None, CALM), (1, RED)),
    ),
    number(
        "Oldest answer",
        "Age of the last good answer of the target that waits longest. From 10 minutes on, alerts cannot be relied on.",
        f"max(time() - {_LAST_ANSWER})",
        unit="s",
        decimals=0,
        colors=((None, CALM), (300, ORANGE), (600, RED)),
        empty="No answer yet",
    ),
    number(
        "Failed polls",
        "Of the polls in the time shown, all replicas together, the share that failed.",
        f"(sum({_failures('$__range')}) or vector(0))\n"
        f"/ (sum(increase(aws_vpn_target_polls_total{{{TARGETS}}}[$__range])) > 0)",
        unit="percentunit",
        decimals=2,
        colors=((None, CALM), (0.05, ORANGE), (0.5, RED)),
        empty="No poll yet",
    ),
    number(
        "Configuration",
        "Whether every replica could load its configuration the last time it tried; where one could not, it keeps the "
        "configuration that it had.",
        f"min(aws_vpn_exporter_config_last_reload_successful{{{_JOB}}})",
        unit="none",
        words=_LOADED,
        empty="No replica",
    ),
)

TARGET_TABLE = rows(
    "Targets",
    "One row for each account and region that the exporter watches. Latest poll: how long it took, retries included, "
    "by the slowest replica. Cause of failures: the most frequent one within the time shown.",
    (
        Column("Status", expr=_TARGET_UP, words=ANSWERING, width=120),
        ACCOUNT,
        REGION,
        Column("Last answer", expr=f"1000 * {_LAST_ANSWER}", unit="dateTimeFromNow", width=150),
        Column("Latest poll", expr=_DURATION, unit="s", decimals=2, width=110),
        Column(
            "Failed polls",
            expr=f"sum by ({TARGET_ID}) ({_failures('$__range')}) or 0 * {_TARGET_UP}",
            unit="none",
            decimals=0,
            width=110,
        ),
        Column("Cause of failures", label="cause"),
    ),
    key=_TARGET,
    facts=(
        Facts(("account", "region"), accounts()),
        Facts(("cause",), cause_of_failures(_failures("$__range"), TARGET_ID, _TARGET_UP)),
    ),
    sort=(("Status", False), ("Account", False), ("Region", False)),
    empty="The exporter watches no account and region here",
    width=14,
    height=8,
)

REPLICAS = rows(
    "Replicas",
    "One row for each instance of the exporter: its versions, and when it last loaded its configuration.",
    (
        Column(
            "Scrape", expr=f"max by ({_REPLICA}) (up{{{_JOB}}} and on ({_REPLICA}) {_BUILD})", words=_REACHED, width=110
        ),
        Column("Instance", label="instance", link=_STATUS_PAGE),
        Column("Version", label="version", width=80),
        Column("Python", label="python_version", width=80),
        Column("boto3", label="boto3_version", width=80),
        Column(
            "Configuration of",
            expr="1000 * max by (job, instance) "
            f"(aws_vpn_exporter_config_last_reload_success_timestamp_seconds{{{_JOB}}})",
            unit="dateTimeAsIso",
            width=170,
        ),
    ),
    key=("job", "instance"),
    facts=(
        Facts(
            ("job", "instance", "version", "python_version", "boto3_version"),
            f"max by ({_REPLICA}, version, python_version, boto3_version) ({_BUILD})",
        ),
    ),
    sort=(("Scrape", False), ("Instance", False)),
    empty="Prometheus scrapes no exporter here",
    width=10,
    height=8,
)

_SOURCE_ID = f"{TARGET_ID}, source"
_SOURCE_UP = newest("aws_vpn_source_up", TARGETS, _SOURCE_ID)
_SOURCE_FAILURES = f"increase(aws_vpn_source_poll_failures_total{{{TARGETS}}}[$__range])"

SOURCES = rows(
    "Optional sources",
    "One row for each optional source that is turned on, account and region. What one of them cannot read costs the "
    "others nothing, nor the state of the tunnels. Cause of failures: the most frequent one within the time shown.",
    (
        Column("Read", expr=_SOURCE_UP, words=READ, width=120),
        Column("Source", label="source", width=120),
        ACCOUNT,
        REGION,
        Column(
            "Last answer",
            expr=f"1000 * ({newest('aws_vpn_source_last_success_timestamp_seconds', TARGETS, _SOURCE_ID)} > 0)",
            unit="dateTimeFromNow",
            width=140,
        ),
        Column(
            "Failed looks",
            expr=f"sum by ({_SOURCE_ID}) ({_SOURCE_FAILURES}) or 0 * {_SOURCE_UP}",
            unit="none",
            decimals=0,
            width=110,
        ),
        Column("Cause of failures", label="cause"),
    ),
    key=("account_id", "region", "source"),
    facts=(
        Facts(
            ("account", "region", "source"),
            f"({_SOURCE_UP})\n* on ({TARGET_ID}) group_left (account)\n{accounts()}",
        ),
        Facts(("cause",), cause_of_failures(_SOURCE_FAILURES, _SOURCE_ID, _SOURCE_UP)),
    ),
    sort=(("Read", False), ("Source", False), ("Region", False)),
    empty=nothing_read("traffic", "maintenance", "negotiated", "logs"),
    width=16,
    height=8,
)

_ASKED = f"increase(aws_vpn_exporter_cloudwatch_metrics_requested_total{{{_JOB}}}[$__range])"
# A replica that has just started has asked once and not paused yet: its first hour counts as one.
_ASKING = f"clamp_max(clamp_min(time() - process_start_time_seconds{{{_JOB}}}, 3600), $__range_s)"
_MONTH = 30 * 86400

CLOUDWATCH = (
    number(
        "CloudWatch metrics",
        "Metrics that all replicas together have asked CloudWatch for within the time shown. Only the source traffic "
        "asks for any.",
        f"sum({_ASKED})",
        decimals=0,
        empty="No replica",
        height=8,
    ),
    number(
        "CloudWatch, 30 days",
        "What AWS charges for 30 days at the pace of the time shown, all replicas together, at "
        f"{DOLLARS_PER_METRIC * 1000:g} USD for 1,000 metrics. A longer interval of the source traffic lowers it.",
        f"sum({_ASKED} / on ({_REPLICA}) {_ASKING}) * {_MONTH} * {DOLLARS_PER_METRIC:.5f}",
        unit="currencyUSD",
        decimals=2,
        empty="No replica",
        height=8,
    ),
)

FAILURES = lines(
    "Failed polls by cause",
    "Polls that failed per second, all replicas together.",
    {"{{cause}}": f"sum by (cause) (rate(aws_vpn_target_poll_failures_total{{{TARGETS}}}[$__rate_interval])) > 0"},
    unit="cps",
    empty="No poll failed in this time",
    stacked=True,
)

DURATION = lines(
    "Duration of polls",
    "How long the latest polls took, retries included: the slowest target, and the average of all.",
    {"slowest": f"max({_DURATION})", "average": f"avg({_DURATION})"},
    unit="s",
    empty="No poll in this time",
)

REQUESTS = lines(
    "Requests to AWS",
    "Requests sent per second, retries included, all replicas together. Outcome: the HTTP status code, or error where "
    "no answer came.",
    {
        "{{operation}} {{outcome}}": "sum by (operation, outcome) "
        f"(rate(aws_vpn_exporter_api_requests_total{{{_JOB}}}[$__rate_interval]))"
    },
    unit="reqps",
    empty="No request in this time",
    stacked=True,
)

SCRAPES = lines(
    "Duration of scrapes",
    "How long Prometheus waited for each replica's page.",
    {"{{instance}}": f"max by (instance) (scrape_duration_seconds{{{_JOB}}} and on ({_REPLICA}) {_BUILD})"},
    unit="s",
    empty="No scrape in this time",
)

EXPORTER = Board(
    uid="aws-vpn-exporter",
    title="AWS VPN / Exporter",
    description="Whether the AWS VPN exporter is well, and whether AWS answers it.",
    sections=(
        Section("", (*COUNTS, TARGET_TABLE, REPLICAS)),
        Section("Optional sources and their charge", (SOURCES, *CLOUDWATCH)),
        Section("Over time", (FAILURES, DURATION, REQUESTS, SCRAPES)),
    ),
)
