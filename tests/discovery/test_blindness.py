"""A process that AWS or the machine has made blind never looks well: each fault over the wire, and what pages say."""

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from testbed.exporter_process import ExporterProcess, with_credentials
from testbed.exposition import samples, values
from testbed.simulated_organization import HUB, FaultName, Organization, SimulatedOrganization, account_ids

MEMBERS = account_ids(8)
REGION = "eu-west-1"
FAST = "poll_interval: 1s\ndiscovery_interval: 1s\n"
WHOLE = f"regions: [{REGION}]\norganization: {{role_name: vpn-exporter}}\n{FAST}"


def one_connection(account: str, _region: str, status: str = "UP") -> Mapping[str, object]:
    report = {"OutsideIpAddress": "203.0.113.1", "Status": status, "StatusMessage": "1 BGP ROUTES"}
    return {"VpnConnections": [{"VpnConnectionId": f"vpn-{account}", "State": "available", "VgwTelemetry": [report]}]}


@pytest.fixture
def organization() -> Organization:
    return Organization({account: f"team {account}" for account in MEMBERS}, (REGION,), one_connection)


@pytest.fixture
def aws(organization: Organization) -> Iterator[SimulatedOrganization]:
    with SimulatedOrganization(organization) as running:
        yield running


Start = Callable[[str], ExporterProcess]


@pytest.fixture
def start(aws: SimulatedOrganization, tmp_path: Path) -> Start:
    def started(text: str) -> ExporterProcess:
        (tmp_path / "config.yaml").write_text(text)
        command = ("serve", f"--config.file={tmp_path / 'config.yaml'}", "--web.enable-lifecycle")
        return ExporterProcess(command, with_credentials(aws.url, AWS_REGION=REGION), tmp_path / "log")

    return started


def up(exporter: ExporterProcess, **labels: str) -> list[float]:
    return values(exporter.metrics(), "aws_vpn_target_up", **labels)


def polls(organization: Organization, *accounts: str) -> int:
    """How often the least polled of the accounts has been asked for its connections."""
    return min(organization.calls["DescribeVpnConnections", account] for account in accounts)


def test_an_answer_that_drips_past_the_deadline_is_a_time_out(organization: Organization, start: Start) -> None:
    """A byte every two seconds keeps each read within its own time-out."""
    with start(f"{FAST}stale_after: 40s\n") as exporter:
        exporter.until(lambda: up(exporter) == [1.0], "it is polled")
        organization.faults["DescribeVpnConnections", HUB] = "drip"
        exporter.until(lambda: up(exporter) == [0.0], "the deadline has passed", 50)
        page = exporter.metrics()
        assert values(page, "aws_vpn_target_poll_failures_total", cause="timeout") == [1.0]
        assert values(page, "aws_vpn_connection_tunnels_up") == [1.0], "the call's own limit is below stale_after"


def test_a_process_that_was_stopped_shows_nothing_old_as_if_it_were_new(
    organization: Organization, start: Start
) -> None:
    stale_after = 3.0
    with start(f"{FAST}stale_after: {stale_after:.0f}s\n") as exporter:
        exporter.until(lambda: values(exporter.metrics(), "aws_vpn_tunnel_up") == [1.0], "it is polled")
        exporter.process.send_signal(signal.SIGSTOP)
        organization.describe = lambda account, region: one_connection(account, region, "DOWN")
        organization.faults["DescribeVpnConnections", HUB] = "hang"
        continues = time.monotonic() + 2 * stale_after
        exporter.until(lambda: time.monotonic() > continues, "longer than stale_after")
        exporter.process.send_signal(signal.SIGCONT)
        page = exporter.metrics()
        assert values(page, "aws_vpn_target_up") == [0.0]
        assert values(page, "aws_vpn_tunnel_up") == []
        organization.faults.clear()
        exporter.until(lambda: values(exporter.metrics(), "aws_vpn_tunnel_up") == [0.0], "the truth is shown")
        assert up(exporter) == [1.0]


def series(exporter: ExporterProcess) -> set[frozenset[tuple[str, str]]]:
    """The labels of every target, and of every connection."""
    page = exporter.metrics()
    return {*samples(page, "aws_vpn_target_up"), *samples(page, "aws_vpn_connection_tunnels_up")}


@pytest.mark.parametrize("fault", ["denied", "throttled", "cut"])
def test_a_reload_while_only_sts_and_organizations_fail_costs_no_series(
    fault: FaultName, organization: Organization, start: Start
) -> None:
    with start(WHOLE + "accounts: [{name: our own}]\n") as exporter:
        exporter.until(lambda: up(exporter) == [1.0] * 9, "all accounts are polled")
        before = series(exporter)
        assert len(before) == 2 * 9
        for operation in ("GetCallerIdentity", "ListAccounts"):
            organization.faults[operation, HUB] = fault
        for account in MEMBERS:
            organization.faults["AssumeRole", account] = fault
        asked = {key: organization.calls[key, HUB] for key in ("GetCallerIdentity", "ListAccounts")}
        polled = polls(organization, HUB, *MEMBERS)
        assert exporter.get("/-/reload", "POST").status == 200
        exporter.until(
            lambda: all(organization.calls[key, HUB] > count + 1 for key, count in asked.items()), "both are refused"
        )
        exporter.until(lambda: polls(organization, HUB, *MEMBERS) > polled + 2, "polls go on")
        now = series(exporter)
        assert now >= before
        assert {dict(key)["account_id"] for key in now - before} == {"organization"}, "what failed is said"
        assert values(exporter.metrics(), "aws_vpn_target_up", account_id=HUB) == [1.0]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (WHOLE.replace(f"[{REGION}]", f"[{REGION}, us-east-1]"),
         {(account, region) for account in MEMBERS for region in (REGION, "us-east-1")}),
        (WHOLE.replace("vpn-exporter}", f"vpn-exporter, exclude: {{ids: ['{MEMBERS[0]}']}}}}"),
         {(a, REGION) for a in MEMBERS[1:]}),
        (WHOLE.replace("vpn-exporter}", f"vpn-exporter, include: {{names: ['team {MEMBERS[3]}']}}}}"),
         {(MEMBERS[3], REGION)}),
    ],
    ids=["more regions", "exclude", "include"],
)  # fmt: skip
def test_a_reload_that_changes_the_selection_holds_for_the_accounts_that_are_known(
    changed: str, expected: set[tuple[str, str]], organization: Organization, start: Start, tmp_path: Path
) -> None:
    with start(WHOLE) as exporter:
        exporter.until(lambda: up(exporter) == [1.0] * 8, "all accounts are polled")
        organization.faults["ListAccounts", HUB] = "throttled"
        (tmp_path / "config.yaml").write_text(changed)
        assert exporter.get("/-/reload", "POST").status == 200

        def watched() -> set[tuple[str, str]]:
            found = {
                (dict(key)["account_id"], dict(key)["region"])
                for key, value in samples(exporter.metrics(), "aws_vpn_target_up").items()
                if value
            }
            return found - {("organization", "all")}

        exporter.until(lambda: watched() == expected, f"{expected} and no other is up", 20)


def test_roles_whose_sts_hangs_hold_up_no_other_account(organization: Organization, start: Start) -> None:
    hanging, well = MEMBERS[:4], MEMBERS[4:]
    for account in hanging:
        organization.faults["AssumeRole", account] = "hang"
    with start(WHOLE) as exporter:
        exporter.until(lambda: polls(organization, *well) >= 5, "the others are polled at their pace", 10)
        page = exporter.metrics()
        for account in well:
            assert values(page, "aws_vpn_target_up", account_id=account) == [1.0]
        for account in hanging:
            assert values(page, "aws_vpn_target_up", account_id=account) != [1.0]


def test_sessions_are_renewed_ahead_of_time_and_used_up_to_their_end_while_sts_hangs(
    organization: Organization, start: Start
) -> None:
    """A session of a minute is renewed after 40 to 48 s, and good for 57."""
    organization.session_seconds = 60.0
    hanging, well = MEMBERS[:4], MEMBERS[4:]
    with start(WHOLE.replace("1s", "2s")) as exporter:
        exporter.until(lambda: up(exporter) == [1.0] * 8, "all accounts are polled")
        for account in hanging:
            organization.faults["AssumeRole", account] = "hang"
        exporter.until(lambda: organization.calls["AssumeRole", HUB] == 16, "all roles are renewed", 75)
        polled = polls(organization, *MEMBERS)
        exporter.until(
            lambda: polls(organization, *MEMBERS) > polled + 1, "polls go on, those with the old sessions too", 8
        )
        assert up(exporter) == [1.0] * 8
        exporter.until(lambda: sum(up(exporter)) == 4, "the old sessions have ended", 30)
        page = exporter.metrics()
        assert all(values(page, "aws_vpn_target_up", account_id=account) == [1.0] for account in well)


def revoke(organization: Organization, account: str) -> None:
    """Ends the sessions of the account's role that there are."""
    for key, (of, _) in list(organization.sessions.items()):
        if of == account:
            organization.sessions[key] = (of, datetime.now(UTC))


def test_a_session_that_was_revoked_is_replaced_and_once_a_minute_at_most(
    organization: Organization, start: Start
) -> None:
    revoked, expired, invalid = MEMBERS[:3]
    with start(WHOLE) as exporter:
        exporter.until(lambda: up(exporter) == [1.0] * 8, "all accounts are polled")
        revoke(organization, revoked)
        organization.faults["DescribeVpnConnections", expired] = "expired"
        organization.faults["DescribeVpnConnections", invalid] = "invalid"
        exporter.until(lambda: sum(up(exporter)) == 5, "all three are refused")
        exporter.until(lambda: sum(up(exporter)) == 6, "the revoked one is replaced", 90)
        assert values(exporter.metrics(), "aws_vpn_target_up", account_id=revoked) == [1.0]
        exporter.until(lambda: organization.calls["AssumeRole", HUB] == 11, "the others are replaced too", 30)
        polled = polls(organization, expired, invalid)
        exporter.until(lambda: polls(organization, expired, invalid) > polled + 2, "and refused again, more than once")
        assert organization.calls["AssumeRole", HUB] == 11, "there is no other attempt within a minute"


def test_a_role_that_a_reload_changes_is_assumed_anew_and_until_then_the_session_before_it_is_used(
    organization: Organization, start: Start, tmp_path: Path
) -> None:
    with start(WHOLE) as exporter:
        exporter.until(lambda: up(exporter) == [1.0] * 8, "all accounts are polled")
        organization.role = "another"
        (tmp_path / "config.yaml").write_text(WHOLE.replace("vpn-exporter", "another"))
        assert exporter.get("/-/reload", "POST").status == 200
        exporter.until(lambda: organization.calls["AssumeRole", HUB] == 16, "the new roles are assumed", 75)
        polled = polls(organization, *MEMBERS)
        exporter.until(lambda: polls(organization, *MEMBERS) > polled + 1, "polls go on")
        page = exporter.metrics()
    assert values(page, "aws_vpn_target_up") == [1.0] * 8
    assert not any(values(page, "aws_vpn_target_poll_failures_total")), "and did so all the time"


def test_a_failing_account_is_asked_less_than_a_healthy_one(organization: Organization, start: Start) -> None:
    faults: tuple[FaultName, ...] = ("denied", "throttled", "expired", "cut", "html")
    failing, well = dict(zip(MEMBERS, faults, strict=False)), MEMBERS[len(faults) :]
    for account, fault in failing.items():
        organization.faults["DescribeVpnConnections", account] = fault
    with start(WHOLE) as exporter:
        exporter.until(lambda: polls(organization, *well) >= 12, "the healthy ones are polled")
        assert sum(up(exporter)) == len(well)
        asked = {fault: organization.calls["DescribeVpnConnections", account] for account, fault in failing.items()}
    assert all(2 <= count <= 6 for count in asked.values()), asked
    assert "Traceback" not in exporter.log.read_text()
