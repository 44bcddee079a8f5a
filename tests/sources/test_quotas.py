"""Service Quotas over the wire: what is applied, else AWS's default; unknown is not published."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aws_vpn_exporter.demo.backend import NoOptionalSources
from aws_vpn_exporter.demo.faults import FaultName
from aws_vpn_exporter.demo.fleet import Fleet
from aws_vpn_exporter.demo.server import SimulatedAws, servicequotas
from aws_vpn_exporter.evidence import Quotas
from aws_vpn_exporter.sources.quotas import QuotasBlock, QuotasSource
from aws_vpn_exporter.target import FailureCause, PollError
from testbed.exporter_process import ExporterProcess, with_credentials
from testbed.exposition import values
from tests.sources.accounts import NOW, connections_of, tunnels
from tests.sources.conftest import CAUSES
from tests.support.aws_clients import ClientMaker

REGION, GATEWAY = "L-3E6EC3A3", "L-B91E5754"


@dataclass
class Applied(NoOptionalSources):
    """An account's quotas that were raised, by code."""

    values: dict[str, float] = field(default_factory=dict)

    def quota(self, region: str, code: str) -> float | None:  # type: ignore[override]
        return self.values.get(code)


def fetched(client: ClientMaker, url: str) -> Quotas:
    known = tunnels(4)
    answer = QuotasSource(QuotasBlock()).fetch(client("service-quotas", url), connections_of(known), NOW)
    assert answer.partial_error is None
    assert set(answer.values) == set(known)
    (quotas,) = set(answer.values.values())
    assert isinstance(quotas, Quotas)
    return quotas


@pytest.mark.parametrize(
    ("applied", "expected"),
    [
        ({}, Quotas(50, 10)),
        ({REGION: 120.0}, Quotas(120, 10)),
        ({REGION: 0.0, GATEWAY: 25.0}, Quotas(0, 25)),
    ],
)
def test_what_is_applied_else_the_default(applied: dict[str, float], expected: Quotas, client: ClientMaker) -> None:
    with SimulatedAws(lambda _: {"VpnConnections": []}, sources=Applied(applied)) as aws:
        assert fetched(client, aws.url) == expected


def test_a_quota_that_aws_does_not_know_is_unknown(
    aws: SimulatedAws, client: ClientMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(servicequotas.DEFAULTS, GATEWAY)
    assert fetched(client, aws.url) == Quotas(50, None)


def test_without_connections_nobody_is_asked(aws: SimulatedAws, client: ClientMaker) -> None:
    assert not QuotasSource(QuotasBlock()).fetch(client("service-quotas", aws.url), [], NOW).values
    assert not aws.calls


@pytest.mark.parametrize(("fault", "cause"), CAUSES.items())
def test_a_failure_has_its_cause(fault: FaultName, cause: str, aws: SimulatedAws, client: ClientMaker) -> None:
    aws.fail("GetServiceQuota", fault)
    with pytest.raises(PollError) as failed:
        fetched(client, aws.url)
    assert failed.value.cause == cause


@pytest.mark.parametrize("value", [None, "50", float("nan"), -1, True])
def test_a_value_that_is_no_number_of_connections_is_malformed(
    value: object, client: ClientMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Odd:
        def get_service_quota(self, **_: str) -> dict[str, object]:
            return {"Quota": {"Value": value}}

        get_aws_default_service_quota = get_service_quota

    with pytest.raises(PollError) as failed:
        QuotasSource(QuotasBlock()).fetch(Odd(), connections_of(tunnels(2)), NOW)
    assert failed.value.cause is FailureCause.MALFORMED


@pytest.mark.parametrize("on", [True, False])
def test_turned_off_there_is_no_series_and_no_call(on: bool, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("regions: [eu-west-1]\npoll_interval: 1s\n" + ("quotas: {interval: 1s}\n" if on else ""))
    fleet = Fleet(lambda: NOW, "all-healthy")
    with (
        SimulatedAws(fleet.describe, sources=fleet) as aws,
        ExporterProcess(("serve", f"--config.file={config}"), with_credentials(aws.url), tmp_path / "log") as exporter,
    ):
        exporter.until(lambda: aws.calls["DescribeVpnConnections", "eu-west-1"] > 3, "some polls")
        if on:
            exporter.until(lambda: values(exporter.metrics(), "aws_vpn_target_connections_limit"), "the quotas")
        page = exporter.metrics()
        asked = {operation for operation, _ in aws.calls if "Quota" in operation}
    assert bool(values(page, "aws_vpn_target_connections_limit")) == on
    assert ("quota" in page.lower()) == on
    assert bool(asked) == on
