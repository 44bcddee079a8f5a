"""The dashboards in front of each cause with the optional sources on, and in front of nothing at all."""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from aws_vpn_exporter.demo.fleet import SCENARIOS, Scenario, ScriptedFault
from aws_vpn_exporter.demo.fleet.log_lines import LogLine
from aws_vpn_exporter.demo.fleet.situations import EVERY_OPTION_SET, REKEY_MISMATCH
from aws_vpn_exporter.demo.fleet.tunnel_histories import MAINTENANCE_PENDING, REKEY_REFUSED
from grafana.tables import NONE
from testbed.dashboards.answers import UIDS, answers, choices, figure, load, replicas_count_once
from testbed.dashboards.prometheus import ACCOUNT_NAME, OPTIONAL, REGIONS, SOURCES, Prometheus, lab
from testbed.programs import wait_for
from tests.grafana.seen import look, table

pytestmark = pytest.mark.timeout(150)

# Each cause once. The tunnel that fell for one of them is also told all else that AWS can tell, and often.
TALKATIVE = replace(
    REKEY_MISMATCH,
    tunnels=(
        replace(REKEY_MISMATCH.tunnels[0], history=MAINTENANCE_PENDING),
        replace(
            REKEY_MISMATCH.tunnels[1],
            history=replace(
                REKEY_REFUSED,
                log_lines=(
                    *(replace(line, every=2) for line in REKEY_REFUSED.log_lines),
                    LogLine(-60, "Words that nobody has read before", "", "", every=4),
                ),
            ),
        ),
    ),
)
SHARED_SITE = "Millbrook Junction"
CAUSES = Scenario(
    "Each cause once.",
    (
        TALKATIVE,
        EVERY_OPTION_SET,
        *(
            replace(one, site=SHARED_SITE) if one.name in ("signal-box", "watermill") else one
            for one in SCENARIOS["causes"].connections
            if one.name != TALKATIVE.name
        ),
    ),
)
CAUSE = {
    TALKATIVE.name: "Rekey mismatch",
    "signal-box": "Idle time-out",
    "watermill": "Dead peer detection",
    "stone-quarry": "Pre-shared keys differ",
    "grain-store": "AWS replaced the endpoint",
    "bell-foundry": "BGP is down",
    "fog-horn": "Customer gateway unreachable",
}


@pytest.fixture(scope="module")
def causes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Each cause once, with the optional sources on."""
    folder = tmp_path_factory.mktemp("causes")
    with lab(CAUSES, folder, sources=SOURCES) as api:
        for what in (
            "vpn_connection:security_hub_ec2_20:passed",
            'ALERTS{alertname="AwsVpnConnectionDown",alertstate="firing"}',
            'increase(aws_vpn_tunnel_log_events_total{event="other"}[1m]) > 0',
        ):
            wait_for(partial(api.instant, what), 40, what, folder)
        yield api


@pytest.fixture(scope="module")
def talkative(causes: Prometheus) -> str:
    """The connection about which there is most to tell."""
    offered = choices(causes, load("aws-vpn-connection"), "connection")
    return next(value for text, value in offered.items() if text.startswith(f"{TALKATIVE.name} · vpn-"))


@pytest.mark.parametrize("uid", UIDS)
def test_with_the_sources_on_every_query_is_answered(causes: Prometheus, talkative: str, uid: str) -> None:
    """All that the sources read shows, once, whoever read it."""
    found = list(answers(causes, uid, talkative if uid == "aws-vpn-connection" else ".+"))
    # Nothing fails here, and there is no past of which the availability or what is usual would be known.
    silent = {
        one.where for one in found if not re.search("failures_total|:avg(7|30)d|:usual", one.expr) and not one.samples
    }
    assert silent == set()
    replicas_count_once(causes, uid)


@pytest.fixture(scope="module")
def seen(causes: Prometheus) -> Mapping[str, Mapping[str, Any]]:
    """What a person sees of the causes, the connection about which there is most to tell by name."""
    return look(causes, f"{TALKATIVE.name} · vpn-")


Seen = Mapping[str, Mapping[str, Any]]


def test_trouble_comes_with_its_cause(seen: Seen) -> None:
    """In the fleet's table and in that of one connection's tunnels; a tunnel that is well has none."""
    found = table(seen["aws-vpn-fleet"]["In trouble, the worst first"])
    assert {row["Connection"]: row["Probable cause"] for row in found if row["Connection"] in CAUSE} == CAUSE
    assert all(row["Account"] == ACCOUNT_NAME and row["Since"].endswith("ago") for row in found)
    tunnels = table(seen["aws-vpn-connection"]["Tunnels"])
    assert {row["State"]: row["Probable cause"] for row in tunnels} == {
        "DOWN: IPsec is down": "Rekey mismatch",
        "UP": NONE,
    }
    (target, *_) = table(seen["aws-vpn-fleet"]["Is AWS answering?"])
    assert target["Account"] == ACCOUNT_NAME


def test_a_connection_shows_what_the_sources_read(seen: Seen) -> None:
    """Traffic and maintenance of each tunnel, what was negotiated beside what is permitted, and events by class."""
    board = seen["aws-vpn-connection"]
    by_maintenance = {row["Maintenance"]: row for row in table(board["Traffic and maintenance of each tunnel"])}
    well, fallen = by_maintenance["PENDING"], by_maintenance["none"]
    assert (well["Received"], well["Sent"]) == ("40 kB/s", "10 kB/s")
    assert well["Applied by AWS from"] > well["Last maintenance"]
    assert fallen["Applied by AWS from"] == ""
    negotiated = {
        (row["Tunnel (outside IP)"], row["Option"]): row for row in table(board["Negotiated beside permitted"])
    }
    well_ip, fallen_ip = well["Tunnel (outside IP)"], fallen["Tunnel (outside IP)"]
    ike = negotiated[well_ip, "IKE versions"]
    assert (ike["Negotiated"], ike["Permitted at AWS"]) == ("ikev2", "ikev2")
    encryption = negotiated[well_ip, "Phase 1 encryption"]
    assert encryption["Negotiated"] in encryption["Permitted at AWS"].split(",")
    assert negotiated[fallen_ip, "IKE versions"]["Negotiated"] == ""
    assert len(negotiated) == 2 * 7
    events = table(board["Log events of each tunnel"])
    assert {"No proposal match", "Rekey", "Other"} <= {row["Event"] for row in events if row[fallen_ip]}
    assert all(re.fullmatch(r"\d*", row[fallen_ip]) for row in events)
    (other,) = board["Not understood"]["figures"]
    assert 5 < float(other["text"].removesuffix("%")) < 35


def test_options_show_drift_with_both_sides_and_what_is_in_use(causes: Prometheus, seen: Seen) -> None:
    """Both sides of each difference; one row a tunnel of what was negotiated."""
    board = seen["aws-vpn-options"]
    drift = {
        (row["Connection"], row["Option"], row["At AWS"], row["At the customer gateway"])
        for row in table(board["Drift: options that differ from the customer gateway's"])
    }
    assert drift == {
        (TALKATIVE.name, "Phase 2 DH groups", "14", "20"),
        ("observatory", "Phase 2 encryption", "AES256-GCM-16", "AES128"),
    }
    assert len(table(board["Negotiated by each tunnel"])) == 2 * len(CAUSES.connections)
    assert figure(causes, "aws-vpn-options", "Weak values in use") == 0


def test_sources_and_pending_maintenance_are_counted(causes: Prometheus, seen: Seen) -> None:
    """Each source for each target once, and the two connections that await maintenance."""
    assert figure(causes, "aws-vpn-fleet", "Maintenance pending") == 2
    found = table(seen["aws-vpn-exporter"]["Optional sources"])
    assert sorted((row["Region"], row["Source"], row["Read"]) for row in found) == [
        (region, source, "IN FULL") for region in sorted(REGIONS) for source in OPTIONAL
    ]


def test_sites_are_one_row_each_and_limits_the_nearest_first(seen: Seen) -> None:
    """Two connections of a site are one row; routes, bandwidth and connections beside what AWS allows."""
    board = seen["aws-vpn-fleet"]
    sites = {row["Site"]: row for row in table(board["Sites"])}
    shared = sites[SHARED_SITE]
    assert (shared["Status"], shared["Paths up"], shared["Expected"]) == ("PATHS LOST", "2", "4")
    assert (shared["Device"], shared["Address"]) == ("no", "no")
    assert {row["Status"] for row in sites.values()} >= {"LAST PATH", "PATHS LOST", "ALL PATHS UP"}
    nearest = table(board["Tunnels nearest to what AWS lets them carry"])
    assert nearest[0]["Nearest"] == nearest[0]["Routes"] != "0%"
    assert len({(row["Connection"], row["Tunnel (outside IP)"]) for row in nearest}) == len(nearest)
    quotas = table(board["Connections and AWS's quotas"])
    assert {(row["Virtual private gateway"] == NONE, row["Account"]) for row in quotas} >= {(True, ACCOUNT_NAME)}
    whole = next(row for row in quotas if row["Virtual private gateway"] == NONE)
    assert (whole["Connections"], whole["Used"]) == (str(len(CAUSES.connections)), f"{2 * len(CAUSES.connections)}%")


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """No connection at all; and after a while no permission to look either."""
    nothing = Scenario("Nothing to see, and later no permission to look.", (), ScriptedFault("denied", 18))
    with lab(nothing, tmp_path_factory.mktemp("empty"), sources=SOURCES) as api:
        yield api


@pytest.mark.parametrize("uid", UIDS)
def test_without_connections_each_panel_says_so(empty: Prometheus, uid: str) -> None:
    """Every count is 0 and not a gap, and what is empty has words for it."""
    for one in answers(empty, uid):
        assert one.samples or one.panel["fieldConfig"]["defaults"].get("noValue"), one.where
    if uid == "aws-vpn-fleet":
        for title in ("Connections", "Down", "Maintenance pending"):
            assert figure(empty, uid, title) == 0, title


def test_an_account_that_denies_is_not_well(empty: Prometheus) -> None:
    """No answer is neither "no connections" nor "no trouble", and its cause is named."""
    wait_for(lambda: figure(empty, "aws-vpn-fleet", "Accounts and regions unseen") == 1, 60, "the denial")
    # While a replica still has its last good answer, the target is seen. And a counter that begins at one has not grown
    # yet: the second failure is the first that shows. Grafana asks about a whole second.
    for expr in ("count(aws_vpn_target_up == 0) == 2", "increase(aws_vpn_target_poll_failures_total[1m]) > 0"):
        wait_for(partial(lambda asked: empty.instant(asked, int(time.time())), expr), 60, expr)
    board = look(empty)["aws-vpn-fleet"]
    (row,) = table(board["Trouble by account and region"])
    assert row["eu-west-1"] == "NO ANSWER"
    assert {row["Region"]: row["Failures"] for row in table(board["Is AWS answering?"])} == {
        "eu-west-1": "denied",
        "us-east-1": NONE,
    }


def test_what_cloudwatch_charges_is_told(causes: Prometheus) -> None:
    """Two replicas ask for two metrics a tunnel each minute. Last, because the second time is a minute after start."""
    uid, a_round = "aws-vpn-exporter", 2 * 2 * 2 * len(CAUSES.connections)
    wait_for(lambda: figure(causes, uid, "CloudWatch metrics") > 0.9 * a_round, 90, "the second round")
    found = figure(causes, uid, "CloudWatch metrics")
    # The first hour counts as a whole one.
    assert figure(causes, uid, "CloudWatch, 30 days") == pytest.approx(found / 1000 * 0.01 * 24 * 30, rel=0.1)
