"""Metrics about a target, and about the optional sources' polls of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from aws_vpn_exporter.evidence import Quotas
from aws_vpn_exporter.metrics.record import Metric, Sample, counted, value
from aws_vpn_exporter.status import CUSTOMER_GATEWAYS, QUOTAS, ConnectionsPoll, SourcePoll, TargetStatus, source_up
from aws_vpn_exporter.target import FailureCause


def _failures(poll: ConnectionsPoll) -> Iterator[Sample]:
    none: Mapping[FailureCause, int] = dict.fromkeys(FailureCause, 0) if poll.answer else {}
    return counted({**none, **poll.failures}, "cause")


TARGET: tuple[Metric[ConnectionsPoll], ...] = (
    Metric(
        "aws_vpn_target_info",
        "Name of the account, as the organization or the configuration gives it. Always 1.",
        ("account_name",),
        lambda poll: [({"account_name": poll.account_name}, 1.0)],
    ),
    Metric(
        "aws_vpn_target_up",
        "Whether the latest poll of this account and region gave a good answer; 0 before the first one.",
        (),
        value(lambda poll: poll.up),
    ),
    Metric(
        "aws_vpn_target_last_success_timestamp_seconds",
        "When a poll last gave a good answer, as a Unix time; 0 for never. Series of connections and tunnels are "
        "kept after a failure until stale_after has passed since then.",
        (),
        value(lambda poll: poll.last_success),
    ),
    Metric(
        "aws_vpn_target_poll_duration_seconds",
        "How long the latest poll took, retries included; 0 before the first one.",
        (),
        value(lambda poll: poll.duration),
    ),
    Metric(
        "aws_vpn_target_polls_total",
        "Polls of this account and region that ended, well or not.",
        (),
        value(lambda poll: poll.polls),
        type="counter",
    ),
    Metric(
        "aws_vpn_target_poll_failures_total",
        "Polls that failed, by cause. All causes start at 0 where the account and region has connections; elsewhere, "
        "as there may be thousands of them, causes not seen since start have no series.",
        ("cause",),
        _failures,
        type="counter",
    ),
)


def _of_sources(read: Callable[[SourcePoll], Iterable[Sample]]) -> Callable[[TargetStatus], Iterator[Sample]]:
    return lambda status: (
        ({"source": name, **labels}, number)
        for name, poll in status.optional_sources.items()
        for labels, number in read(poll)
    )


def _customer_gateways(status: TargetStatus) -> float | None:
    poll = status.sources.get(CUSTOMER_GATEWAYS)
    return float(source_up(poll)) if poll and poll.polls and not (poll.answer and poll.answer.too_early) else None


def _connections_limits(status: TargetStatus) -> Iterator[Sample]:
    answer = status.sources[QUOTAS].answer if QUOTAS in status.sources else None
    quotas = next(iter(answer.values.values()), None) if answer else None
    for per, limit in _scopes(quotas) if quotas else ():
        if limit is not None:
            yield {"per": per}, float(limit)


def _scopes(quotas: Quotas) -> Iterable[tuple[str, int | None]]:
    return (("region", quotas.per_region), ("virtual_private_gateway", quotas.per_virtual_private_gateway))


SOURCE: tuple[Metric[TargetStatus], ...] = (
    Metric(
        "aws_vpn_target_connections_limit",
        "How many VPN connections AWS allows (Service Quotas): for the whole region, and for each virtual private "
        "gateway. Only with the block quotas, and where there are connections.",
        ("per",),
        _connections_limits,
    ),
    Metric(
        "aws_vpn_target_customer_gateways_up",
        "Whether the latest DescribeCustomerGateways, which names the devices at the other end, succeeded. Nothing "
        "else depends on it.",
        (),
        value(_customer_gateways),
    ),
    Metric(
        "aws_vpn_source_unmatched_lines_total",
        "Log lines since the exporter began to read them that fit no tunnel which is watched: of other connections, or "
        "of a stream whose name is not understood.",
        ("source",),
        _of_sources(lambda poll: [({}, float(poll.answer.unmatched))] if poll.answer and poll.answer.unmatched else []),
        type="counter",
    ),
    Metric(
        "aws_vpn_source_up",
        "Whether the latest poll of an optional source (the label source names its configuration block) about this "
        "account and region succeeded for every tunnel.",
        ("source",),
        _of_sources(lambda poll: [({}, float(source_up(poll)))]),
    ),
    Metric(
        "aws_vpn_source_last_success_timestamp_seconds",
        "When an optional source last gave an answer, as a Unix time; 0 for never.",
        ("source",),
        _of_sources(lambda poll: [({}, poll.last_success)]),
    ),
    Metric(
        "aws_vpn_source_poll_failures_total",
        "Polls of an optional source that failed, wholly or in part, by cause; causes not seen have no series.",
        ("source", "cause"),
        _of_sources(lambda poll: counted(poll.failures, "cause")),
        type="counter",
    ),
)
