"""VPN logs over the wire: new lines only, of our tunnels only, and never more than one poll may read."""

import json
import pickle
from collections.abc import Callable, Mapping, Sequence

import pytest

from aws_vpn_exporter.aws import connections
from aws_vpn_exporter.demo.backend import LogRecord
from aws_vpn_exporter.demo.faults import FAULT_NAMES, FaultName
from aws_vpn_exporter.demo.server import SimulatedAws
from aws_vpn_exporter.evidence import LogEventClass, SourceAnswer, TunnelLog
from aws_vpn_exporter.model import TunnelId
from aws_vpn_exporter.sources.logs import LATENESS, LOOK_BACK, MOST_PAGES, LogsBlock, LogsSource, log_groups
from tests.sources.accounts import GROUP, NOW, Account, connections_of, tunnels
from tests.sources.conftest import CAUSES
from tests.support.aws_clients import ClientMaker

ONE, OTHER = tunnels(2)
GROUPS = {ONE: [GROUP], OTHER: [GROUP]}
DPD = "AWS tunnel DPD timed out after 3 retransmits"


def stream(tunnel: TunnelId) -> str:
    return f"{tunnel.vpn_connection_id}_{tunnel.tunnel_ip}"


def line(time: float, tunnel: TunnelId = ONE, detail: str = DPD, **fields: object) -> LogRecord:
    return LogRecord(stream(tunnel), time, json.dumps({"details": detail, **fields}))


class LogReader:
    """The source with the tunnels' log groups in place of their connections."""

    def __init__(self, counted_from: float) -> None:
        self.source = LogsSource(LogsBlock())
        self.source.counted_from = counted_from

    def read(self, logs: object, groups: Mapping[TunnelId, Sequence[str]], now: float) -> SourceAnswer[TunnelLog]:
        return self.source.fetch(logs, connections_of(groups, groups), now)


def counted(reader: LogReader, logs: object, now: float, tunnel: TunnelId = ONE) -> dict[LogEventClass, int]:
    counts = reader.read(logs, GROUPS, now).values[tunnel].counts
    return {event: count for event, count in counts.items() if count}


def test_new_lines_are_counted_once(account: Account, aws: SimulatedAws, client: ClientMaker) -> None:
    account.groups[GROUP] = records = [line(NOW + 1), line(NOW + 2, OTHER)]
    logs, reader = client("logs", aws.url), LogReader(NOW)
    assert counted(reader, logs, NOW + 30) == {LogEventClass.DPD_TIMEOUT: 1}
    assert counted(reader, logs, NOW + 60) == {LogEventClass.DPD_TIMEOUT: 1}
    records.append(line(NOW + 65))
    assert counted(reader, logs, NOW + 90) == {LogEventClass.DPD_TIMEOUT: 2}
    assert counted(reader, logs, NOW + 90, OTHER) == {LogEventClass.DPD_TIMEOUT: 1}
    assert counted(reader, logs, NOW + 5000) == {LogEventClass.DPD_TIMEOUT: 2}


def test_a_line_that_comes_late_is_found(account: Account, aws: SimulatedAws, client: ClientMaker) -> None:
    account.groups[GROUP] = records = [line(NOW + 200)]
    logs, reader = client("logs", aws.url), LogReader(NOW)
    counted(reader, logs, NOW + 210)
    records.append(line(NOW + 200 - LATENESS))
    assert counted(reader, logs, NOW + 240) == {LogEventClass.DPD_TIMEOUT: 2}


def test_a_line_from_before_the_start_is_shown_but_not_counted(
    account: Account, aws: SimulatedAws, client: ClientMaker
) -> None:
    account.groups[GROUP] = [line(NOW - LOOK_BACK - 1, detail="too old"), line(NOW - 100), line(NOW, detail="now")]
    log = LogReader(NOW).read(client("logs", aws.url), GROUPS, NOW).values[ONE]
    assert [(event.time, event.detail) for event in log.latest] == [(NOW - 100, DPD), (NOW, "now")]
    assert sum(log.counts.values()) == 1


def test_every_class_is_there_from_the_first_moment(account: Account, aws: SimulatedAws, client: ClientMaker) -> None:
    account.groups[GROUP] = []
    log = LogReader(NOW).read(client("logs", aws.url), GROUPS, NOW).values[OTHER]
    assert log.counts == dict.fromkeys(LogEventClass, 0)
    assert log.latest == ()


@pytest.mark.parametrize(
    "foreign",
    [
        line(NOW, TunnelId("vpn-0ffffffff", ONE.tunnel_ip)),
        line(NOW, TunnelId(ONE.vpn_connection_id, "203.0.113.99")),
        line(NOW, TunnelId(ONE.vpn_connection_id + "0", ONE.tunnel_ip)),
        line(NOW, TunnelId(ONE.vpn_connection_id, ONE.tunnel_ip + "1")),
        line(NOW, ONE, resource_id="vpn-0ffffffff_203.0.0.0"),
        LogRecord("cron", NOW, DPD),
        LogRecord("", NOW, ""),
    ],
)
def test_lines_of_others_are_left_alone(
    foreign: LogRecord, account: Account, aws: SimulatedAws, client: ClientMaker
) -> None:
    account.groups[GROUP] = [foreign]
    logs = LogReader(NOW).read(client("logs", aws.url), GROUPS, NOW + 1).values
    assert all(log.latest == () and not any(log.counts.values()) for log in logs.values())


@pytest.mark.parametrize(
    "record",
    [
        line(NOW, ONE),
        LogRecord(f"{ONE.vpn_connection_id}-{ONE.tunnel_ip}-suffix", NOW, json.dumps({"details": DPD})),
        LogRecord("bgp", NOW, json.dumps({"resource_id": stream(ONE), "message": {"details": DPD}})),
        LogRecord(
            "any",
            NOW,
            json.dumps(
                {
                    "VpnConnectionId": ONE.vpn_connection_id,
                    "TunnelOutsideIPAddress": ONE.tunnel_ip,
                    "VpnLogDetail": DPD,
                }
            ),
        ),
        LogRecord(stream(ONE), NOW, f"2030-01-01 00:00:00Z {DPD}"),
    ],
)
def test_the_line_or_else_its_stream_names_the_tunnel(
    record: LogRecord, account: Account, aws: SimulatedAws, client: ClientMaker
) -> None:
    account.groups[GROUP] = [record]
    assert counted(LogReader(NOW), client("logs", aws.url), NOW + 1) == {LogEventClass.DPD_TIMEOUT: 1}


@pytest.mark.parametrize("message", ["", "{", "[]", "null", "{}", '{"details": 7}', "\u202e" + "x" * 9000, "[" * 5000])
def test_a_line_that_cannot_be_read_is_other(
    message: str, account: Account, aws: SimulatedAws, client: ClientMaker
) -> None:
    account.groups[GROUP] = [LogRecord(stream(ONE), NOW, message)]
    log = LogReader(NOW).read(client("logs", aws.url), GROUPS, NOW + 1).values[ONE]
    assert log.counts[LogEventClass.OTHER] == sum(log.counts.values()) == 1
    assert len(log.latest[0].detail) <= 256
    assert log.latest[0].detail.isprintable()


def test_a_change_of_state_is_an_event_although_the_text_says_nothing(
    account: Account, aws: SimulatedAws, client: ClientMaker
) -> None:
    states = [("negotiating", "down"), ("established", "down"), ("established", "established")]
    states += [("established", "rekeying"), ("established", "established"), ("established", "down"), ("down", "down")]
    account.groups[GROUP] = [
        line(NOW + number, detail="chatter", ike_phase1_state=one, ike_phase2_state=two)
        for number, (one, two) in enumerate(states)
    ]
    log = LogReader(NOW).read(client("logs", aws.url), GROUPS, NOW + 60).values[ONE]
    assert [str(event.event) for event in log.latest] == [
        *("other", "phase1_up", "phase2_up", "rekey", "other", "phase2_down", "phase1_down")
    ]


def test_only_the_latest_lines_are_kept(account: Account, aws: SimulatedAws, client: ClientMaker) -> None:
    account.groups[GROUP] = [line(NOW + number, detail=str(number)) for number in range(50)]
    log = LogReader(NOW).read(client("logs", aws.url), GROUPS, NOW + 60).values[ONE]
    assert [event.detail for event in log.latest] == [str(number) for number in range(30, 50)]
    assert log.counts[LogEventClass.OTHER] == 50


def test_pages_are_followed(account: Account, simulate: Callable[[int], SimulatedAws], client: ClientMaker) -> None:
    account.groups[GROUP] = [line(NOW + number) for number in range(10)]
    aws = simulate(3)
    assert counted(LogReader(NOW), client("logs", aws.url), NOW + 60) == {LogEventClass.DPD_TIMEOUT: 10}
    assert aws.calls[("FilterLogEvents", "eu-west-1")] == 4


def test_a_poll_reads_so_much_and_the_next_goes_on(
    account: Account, simulate: Callable[[int], SimulatedAws], client: ClientMaker
) -> None:
    count = 5 * MOST_PAGES + 3
    account.groups[GROUP] = [line(NOW + number, detail=str(number)) for number in range(count)]
    aws = simulate(5)
    logs, reader = client("logs", aws.url), LogReader(NOW)
    first = reader.read(logs, GROUPS, NOW + count)
    assert sum(first.values[ONE].counts.values()) == 5 * MOST_PAGES
    second = reader.read(logs, GROUPS, NOW + count + 30)
    assert sum(second.values[ONE].counts.values()) == count


def test_a_group_too_full_to_read_does_not_hold_the_reader_fast(
    account: Account, simulate: Callable[[int], SimulatedAws], client: ClientMaker
) -> None:
    """So many lines in one millisecond that a poll cannot get past it."""
    account.groups[GROUP] = records = [line(NOW + 1, detail=str(number)) for number in range(2 * MOST_PAGES)]
    aws = simulate(1)
    logs, reader = client("logs", aws.url), LogReader(NOW)
    reader.read(logs, GROUPS, NOW + 30)
    reader.read(logs, GROUPS, NOW + 60)
    records.append(line(NOW + 70))
    third = reader.read(logs, GROUPS, NOW + 90)
    assert third.values[ONE].counts[LogEventClass.DPD_TIMEOUT] == 1


def test_what_is_kept_does_not_grow(account: Account, aws: SimulatedAws, client: ClientMaker) -> None:
    """A line a second for an hour: what a restart would lose is as small at the end as it was after five minutes."""
    account.groups[GROUP] = [line(NOW + number, detail=str(number % 7)) for number in range(3600)]
    logs, reader = client("logs", aws.url), LogReader(NOW)
    sizes = []
    for now in range(0, 3661, 60):
        log = reader.read(logs, GROUPS, NOW + now).values[ONE]
        sizes.append(len(pickle.dumps(reader.source)))
    assert log.counts[LogEventClass.OTHER] == 3600
    assert max(sizes) <= 1.02 * max(sizes[:6])


def test_a_tunnel_that_is_gone_is_forgotten(account: Account, aws: SimulatedAws, client: ClientMaker) -> None:
    account.groups[GROUP] = [line(NOW)]
    logs, reader = client("logs", aws.url), LogReader(NOW)
    assert set(reader.read(logs, GROUPS, NOW).values) == {ONE, OTHER}
    assert set(reader.read(logs, {OTHER: [GROUP]}, NOW + 30).values) == {OTHER}
    assert reader.read(logs, {}, NOW + 60).values == {}


def test_an_event_from_the_future_does_not_blind_the_reader(
    account: Account, aws: SimulatedAws, client: ClientMaker
) -> None:
    account.groups[GROUP] = records = [line(NOW + 86400)]
    logs, reader = client("logs", aws.url), LogReader(NOW)
    assert counted(reader, logs, NOW + 30) == {}
    records.append(line(NOW + 45))
    assert counted(reader, logs, NOW + 60) == {LogEventClass.DPD_TIMEOUT: 1}
    assert counted(reader, logs, NOW + 86430) == {LogEventClass.DPD_TIMEOUT: 2}


@pytest.mark.parametrize("fault", FAULT_NAMES)
def test_each_failure_has_its_cause_and_costs_no_count(
    fault: FaultName, account: Account, aws: SimulatedAws, client: ClientMaker
) -> None:
    account.groups[GROUP] = records = [line(NOW + 1)]
    logs, reader = client("logs", aws.url, timeout=0.4), LogReader(NOW)
    counted(reader, logs, NOW + 30)
    aws.fail("FilterLogEvents", fault)
    records.append(line(NOW + 31))
    failed = reader.read(logs, GROUPS, NOW + 60)
    assert failed.partial_error is not None
    assert failed.partial_error.cause == CAUSES[fault]
    assert failed.values[ONE].counts[LogEventClass.DPD_TIMEOUT] == 1
    aws.heal()
    healed = reader.read(logs, GROUPS, NOW + 90)
    assert healed.partial_error is None
    assert healed.values[ONE].counts[LogEventClass.DPD_TIMEOUT] == 2


def test_a_failure_between_two_pages_counts_nothing_twice(
    account: Account, simulate: Callable[[int], SimulatedAws], client: ClientMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.groups[GROUP] = [line(NOW + number) for number in range(6)]
    aws = simulate(2)
    logs, reader = client("logs", aws.url), LogReader(NOW)
    ask, asked = logs.filter_log_events, list[int]()

    def second_fails(**request: object) -> object:
        asked.append(1)
        if len(asked) == 2:
            aws.fail("FilterLogEvents", "throttled")
        return ask(**request)

    monkeypatch.setattr(logs, "filter_log_events", second_fails)
    assert counted(reader, logs, NOW + 30) == {LogEventClass.DPD_TIMEOUT: 2}
    aws.heal()
    assert counted(reader, logs, NOW + 60) == {LogEventClass.DPD_TIMEOUT: 6}


def test_a_group_that_is_gone_costs_no_other(account: Account, aws: SimulatedAws, client: ClientMaker) -> None:
    account.groups["b"] = [line(NOW, OTHER)]
    read = LogReader(NOW).read(client("logs", aws.url), {ONE: ["a"], OTHER: ["b"]}, NOW + 1)
    assert "ResourceNotFoundException" in str(read.partial_error)
    assert read.values[OTHER].counts[LogEventClass.DPD_TIMEOUT] == 1


def test_the_groups_are_those_that_aws_is_told_to_write_to() -> None:
    def tunnel(address: str, **options: object) -> dict[str, object]:
        return {"OutsideIpAddress": address, "LogOptions": {"CloudWatchLogOptions": options}}

    answer = {
        "VpnConnections": [
            {
                "VpnConnectionId": "vpn-1",
                "Options": {
                    "TunnelOptions": [
                        tunnel("192.0.2.1", LogEnabled=True, LogGroupArn="a", BgpLogEnabled=True, BgpLogGroupArn="b"),
                        tunnel("192.0.2.2", LogEnabled=True, LogGroupArn="a", BgpLogGroupArn="b"),
                        tunnel("192.0.2.3", LogEnabled=False, LogGroupArn="a"),
                        {"OutsideIpAddress": "192.0.2.4"},
                    ]
                },
            }
        ]
    }
    groups = log_groups(connections.connections_in(answer))
    assert groups == {TunnelId("vpn-1", "192.0.2.1"): {"a", "b"}, TunnelId("vpn-1", "192.0.2.2"): {"a"}}


def test_the_name_of_a_group_ends_before_the_star(account: Account, aws: SimulatedAws, client: ClientMaker) -> None:
    """Some AWS tools write a group's ARN with `:*`, which FilterLogEvents does not take."""
    account.groups[GROUP] = [line(NOW)]
    logs = LogReader(NOW).read(client("logs", aws.url), {ONE: [f"{GROUP}:*"]}, NOW + 1).values
    assert logs[ONE].counts[LogEventClass.DPD_TIMEOUT] == 1
