"""Many accounts over the wire: who is watched, with whose credentials, and what one's trouble does to others."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from aws_vpn_exporter.aws.credentials import RoleSession, assume
from aws_vpn_exporter.poller import Pause, Poller, Schedule
from aws_vpn_exporter.sharding import Shard
from aws_vpn_exporter.target import Account, Discovered, FailureCause, PollError, Target
from testbed.exporter_process import ExporterProcess, run, with_credentials
from testbed.exposition import samples, values
from testbed.simulated_organization import HUB, REGIONS, Organization, SimulatedOrganization, account_ids
from tests.support.stepped_exporter import Clock

MEMBERS = account_ids(200)
TWO_REGIONS = REGIONS[:2]


def one_connection(account: str, region: str) -> Mapping[str, object]:
    """Each account has a connection of its own name in its first region; the second is empty."""
    if region != TWO_REGIONS[0]:
        return {"VpnConnections": []}
    report = {"OutsideIpAddress": "203.0.113.1", "Status": "UP", "StatusMessage": "1 BGP ROUTES"}
    return {"VpnConnections": [{"VpnConnectionId": f"vpn-{account}", "State": "available", "VgwTelemetry": [report]}]}


@pytest.fixture
def organization() -> Iterator[tuple[Organization, SimulatedOrganization]]:
    names = {account: f"team {number}" for number, account in enumerate(MEMBERS)}
    org = Organization(names, TWO_REGIONS, one_connection)
    with SimulatedOrganization(org) as running:
        yield org, running


Start = Callable[..., ExporterProcess]


@pytest.fixture
def start(organization: tuple[Organization, SimulatedOrganization], tmp_path: Path) -> Start:
    def started(text: str, *flags: str) -> ExporterProcess:
        file = tmp_path / "config.yaml"
        file.write_text(text)
        command = ("serve", f"--config.file={file}", "--web.enable-lifecycle", *flags)
        return ExporterProcess(command, with_credentials(organization[1].url), tmp_path / "log")

    return started


def connections_of(exporter: ExporterProcess, **labels: str) -> int:
    """How many connections are in service."""
    return len(values(exporter.metrics(), "aws_vpn_connection_tunnels_up", **labels))


def watched(page: str) -> set[tuple[str, str]]:
    """Account and region of every target."""
    return {(dict(key)["account_id"], dict(key)["region"]) for key in samples(page, "aws_vpn_target_up")}


WHOLE = "regions: all\npoll_interval: 1s\ndiscovery_interval: 2s\norganization: {role_name: vpn-exporter}\n"


def test_every_active_account_is_watched_under_its_own_name_and_credentials(
    organization: tuple[Organization, SimulatedOrganization], start: Start
) -> None:
    org, _ = organization
    org.states = {MEMBERS[1]: "SUSPENDED", MEMBERS[2]: "PENDING_CLOSURE"}
    org.denied = {MEMBERS[3]}
    org.throttled = {MEMBERS[4]}
    org.mistaken = {MEMBERS[5]: MEMBERS[6]}
    well = [account for account in MEMBERS if account not in MEMBERS[1:6]]
    with start(WHOLE) as exporter:
        exporter.until(
            lambda: len(values(exporter.metrics(), "aws_vpn_connection_tunnels_up")) == len(well), "sweep", 40
        )
        exporter.until_ready()
        page = exporter.metrics()

    for key in samples(page, "aws_vpn_connection_info"):
        labels = dict(key)
        assert labels["vpn_connection_id"] == f"vpn-{labels['account_id']}", "no account shows another one's data"
    assert {account for account, _ in watched(page)} == set(MEMBERS) - {MEMBERS[1], MEMBERS[2]}
    assert values(page, "aws_vpn_target_up", account_id=MEMBERS[0]) == [1.0, 1.0]
    assert values(page, "aws_vpn_target_info", account_id=MEMBERS[7], account_name="team 7") == [1.0, 1.0]
    for account, cause in {MEMBERS[3]: "denied", MEMBERS[4]: "throttled", MEMBERS[5]: "credentials"}.items():
        assert set(values(page, "aws_vpn_target_up", account_id=account)) == {0.0}
        assert values(page, "aws_vpn_target_poll_failures_total", account_id=account, cause=cause)
    assert org.calls["AssumeRole", HUB] < 2 * len(MEMBERS), "credentials are kept, not asked for anew at each poll"


def test_accounts_that_hang_delay_no_other(
    organization: tuple[Organization, SimulatedOrganization], start: Start
) -> None:
    org, _ = organization
    org.hanging = set(MEMBERS[:40])
    with start(WHOLE) as exporter:
        exporter.until(lambda: connections_of(exporter) == 160, "sweep", 60)
        last = values(exporter.metrics(), "aws_vpn_target_last_success_timestamp_seconds", account_id=MEMBERS[-1])
        exporter.until(
            lambda: (
                min(values(exporter.metrics(), "aws_vpn_target_last_success_timestamp_seconds", account_id=MEMBERS[-1]))
                > max(last) + 1
            ),
            "the others are polled on",
        )


def test_an_account_that_joins_appears_and_one_that_leaves_goes(
    organization: tuple[Organization, SimulatedOrganization], start: Start
) -> None:
    org, _ = organization
    text = WHOLE + "accounts:\n- {role_arn: 'arn:aws:iam::100000000001:role/vpn-exporter', name: by hand}\n"
    joins, leaves = MEMBERS[0], MEMBERS[2]
    name = org.accounts.pop(joins)
    with start(text) as exporter:
        exporter.until(lambda: connections_of(exporter) == 199, "sweep", 40)
        org.accounts[joins] = name
        del org.accounts[leaves]
        assert exporter.get("/-/reload", "POST").status == 200
        exporter.until(
            lambda: values(exporter.metrics(), "aws_vpn_connection_tunnels_up", account_id=joins), "it joins"
        )
        page = exporter.metrics()
        assert leaves not in {account for account, _ in watched(page)}
        assert not values(page, "aws_vpn_connection_info", account_id=leaves)
        assert values(page, "aws_vpn_target_info", account_name="by hand")

        org.listing_fails = True
        assert exporter.get("/-/reload", "POST").status == 200
        exporter.until(
            lambda: values(exporter.metrics(), "aws_vpn_target_poll_failures_total", account_id="organization"),
            "that the organization cannot be listed is seen",
        )
        assert connections_of(exporter) == 199, "and costs no target"


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("include: {ids: ['100000000003', '100000000004']}", MEMBERS[3:5]),
        ("include: {names: ['team 1?']}", MEMBERS[10:20]),
        ("include: {organizational_units: [ou-ab12-cd34ef56]}", MEMBERS[20:23]),
        ("include: {names: ['team 1?'], ids: ['100000000003']}\n  exclude: {ids: ['100000000010']}",
         [MEMBERS[3], *MEMBERS[11:20]]),
    ],
    ids=["ids", "names", "units", "exclude"],
)  # fmt: skip
def test_accounts_are_selected_by_id_name_and_unit(
    selection: str, expected: list[str], organization: tuple[Organization, SimulatedOrganization], start: Start
) -> None:
    org, _ = organization
    org.units = {"ou-ab12-cd34ef56": [MEMBERS[20], "ou-ab12-below000"], "ou-ab12-below000": MEMBERS[21:23]}
    text = f"regions: [{TWO_REGIONS[0]}]\norganization:\n  role_name: vpn-exporter\n  {selection}\n"
    with start(text) as exporter:
        exporter.until_ready()
        assert watched(exporter.metrics()) == {(account, TWO_REGIONS[0]) for account in expected}


def test_a_selection_of_nothing_is_a_failing_target(start: Start) -> None:
    text = f"regions: [{TWO_REGIONS[0]}]\norganization: {{role_name: vpn-exporter, include: {{names: [nobody]}}}}\n"
    with start(text) as exporter:
        exporter.until_ready()
        page = exporter.metrics()
        assert values(page, "aws_vpn_target_up", account_id="organization", region="all") == [0.0]
        assert values(page, "aws_vpn_target_poll_failures_total", cause="not_found") == [1.0]
        assert "select none of them" in exporter.get("/").text


def test_an_external_id_is_sent_and_a_wrong_one_is_denied(
    organization: tuple[Organization, SimulatedOrganization], start: Start
) -> None:
    organization[0].external_id = "right one"
    arns = [f"arn:aws:iam::{account}:role/vpn-exporter" for account in MEMBERS[:2]]
    text = (
        f"regions: [{TWO_REGIONS[0]}]\naccounts:\n"
        f"- {{role_arn: '{arns[0]}', external_id: right one, regions: {list(TWO_REGIONS)}}}\n"
        f"- {{role_arn: '{arns[1]}', external_id: wrong one}}\n- {{name: our own}}\n"
    )
    with start(text) as exporter:
        exporter.until_ready()
        page = exporter.metrics()
    assert values(page, "aws_vpn_target_up", account_id=MEMBERS[0]) == [1.0, 1.0]
    assert values(page, "aws_vpn_target_up", account_id=MEMBERS[1]) == [0.0]
    assert values(page, "aws_vpn_target_poll_failures_total", account_id=MEMBERS[1], cause="denied")
    assert values(page, "aws_vpn_target_up", account_id=HUB) == [1.0]
    assert values(page, "aws_vpn_target_info", account_id=HUB, account_name="our own") == [1.0]


def test_a_role_is_renewed_ahead_of_its_end_and_used_up_to_it_while_sts_is_away() -> None:
    clock = Clock()
    sts = ScriptedSts(clock)
    account = Account(MEMBERS[0], role_arn=f"arn:aws:iam::{MEMBERS[0]}:role/x")
    target = Target(account.id, "all")
    schedule: Schedule[RoleSession] = Schedule(
        30,
        lambda session: Pause(session.renew_in(clock.now), 0.0),
        lambda session: math.inf if session.is_good(clock.now) else -1.0,
    )
    poller = Poller(lambda _: assume(account, sts, clock.now), schedule, clock, lambda: 0.0)
    poller.watch({target: Discovered()})

    def session_after(seconds: float) -> RoleSession | None:
        clock.now += seconds
        for due, _ in poller.take_due():
            poller.poll(due)
        return poller.statuses()[0].answer

    for _ in range(240):  # four hours
        session = session_after(60)
        assert session is not None
        assert session.get_frozen_credentials().access_key == f"key {len(sts.asked)}"
    pauses = [later - earlier for earlier, later in pairwise(sts.asked)]
    assert all(3600 * 2 / 3 - 60 <= pause <= 3600 * 4 / 5 + 60 for pause in pauses)

    sts.away = True
    good_until = sts.asked[-1] + 3600
    while clock.now < good_until - 121:
        assert session_after(60) is not None
    assert session_after(120) is None
    assert poller.statuses()[0].failure is not None


@pytest.mark.parametrize("life", [90, 900, 3600, 43_200])
def test_a_session_of_any_life_is_renewed_while_it_is_good(life: int) -> None:
    clock = Clock()
    account = Account(MEMBERS[0], role_arn=f"arn:aws:iam::{MEMBERS[0]}:role/x")
    began = clock.now
    session = assume(account, ScriptedSts(clock, life=life), began)
    for _ in range(100):
        renewed = began + session.renew_in(began)
        assert session.is_good(renewed)
        assert began + life / 2 < renewed


@dataclass
class ScriptedSts:
    """An STS that gives sessions of an hour, or of another `life` in seconds."""

    clock: Clock
    life: float = 3600
    away: bool = False
    asked: list[float] = field(default_factory=list)

    def assume_role(self, **_: object) -> Mapping[str, object]:
        if self.away:
            raise PollError(FailureCause.TIMEOUT, "STS is away")
        self.asked.append(self.clock.now)
        return {
            "AssumedRoleUser": {"Arn": f"arn:aws:sts::{MEMBERS[0]}:assumed-role/x/x"},
            "Credentials": {
                "AccessKeyId": f"key {len(self.asked)}",
                "SecretAccessKey": "s",
                "SessionToken": "t",
                "Expiration": datetime.fromtimestamp(self.clock.now + self.life, UTC),
            },
        }


def test_a_credentials_file_that_is_rotated_is_read_again(
    organization: tuple[Organization, SimulatedOrganization], tmp_path: Path
) -> None:
    org, running = organization
    credentials, config = tmp_path / "credentials", tmp_path / "config.yaml"

    def write(key: str) -> None:
        credentials.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = not-a-real-key\n")

    write("AKIAOLD")
    org.hub_keys = {"AKIAOLD"}
    config.write_text("poll_interval: 1s\ndiscovery_interval: 1s\n")
    environment = {
        "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
        "AWS_ENDPOINT_URL": running.url,
        "AWS_REGION": TWO_REGIONS[0],
    }
    with ExporterProcess(("serve", f"--config.file={config}"), environment, tmp_path / "log") as exporter:
        exporter.until(lambda: values(exporter.metrics(), "aws_vpn_target_up") == [1.0], "the old key is good")
        org.hub_keys = {"AKIANEW"}
        exporter.until(lambda: values(exporter.metrics(), "aws_vpn_target_up") == [0.0], "the old key is refused")
        write("AKIANEW")
        exporter.until(lambda: values(exporter.metrics(), "aws_vpn_target_up") == [1.0], "the new key is used")


def test_shards_watch_every_target_exactly_once(
    organization: tuple[Organization, SimulatedOrganization], start: Start
) -> None:
    seen: list[tuple[str, str]] = []
    for index in range(3):
        with start(WHOLE, f"--shard={index}/3") as exporter:
            exporter.until(lambda: exporter.get("/-/ready").status == 200, "sweep", 40)
            seen += watched(exporter.metrics())
    assert sorted(seen) == sorted((account, region) for account in MEMBERS for region in TWO_REGIONS)


def test_a_shard_is_not_ready_before_an_account_has_said_which_regions_it_has(
    organization: tuple[Organization, SimulatedOrganization], start: Start
) -> None:
    org, _ = organization
    account = MEMBERS[0]
    org.accounts = {account: "team 0"}
    org.faults = {("DescribeRegions", account): "hang"}
    # Not the shard that stands in for the account until its regions are known: it has no target so far.
    index = next(index for index in range(2) if not Shard(index, 2).has(Target(account, "all")))
    with start(WHOLE, f"--shard={index}/2") as exporter:
        exporter.until(lambda: org.calls["DescribeRegions", account], "the account is asked for its regions")
        assert exporter.get("/-/ready").status == 503
        exporter.until_ready()  # in the end, as AWS does not answer


def test_one_more_shard_moves_few_targets() -> None:
    targets = [Target(account, region) for account in MEMBERS for region in REGIONS]

    def owners(count: int) -> list[int]:
        return [next(i for i in range(count) if Shard(i, count).has(target)) for target in targets]

    before, after = owners(4), owners(5)
    moved = [new for old, new in zip(before, after, strict=True) if old != new]
    assert set(moved) == {4}, "targets move to the new shard only"
    assert 0.15 < len(moved) / len(targets) < 0.25
    assert all(0.2 < before.count(index) / len(targets) < 0.3 for index in range(4))


@pytest.mark.parametrize("shard", ["3/3", "1", "a/b", "-1/2"])
def test_a_shard_that_is_none_is_refused(shard: str) -> None:
    refused = run("serve", f"--shard={shard}")
    assert refused.returncode == 2
    assert "write i/n" in refused.stderr
