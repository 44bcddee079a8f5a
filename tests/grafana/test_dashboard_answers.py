"""Every query of every dashboard, answered by a real Prometheus that scrapes two real replicas of the exporter."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest

from aws_vpn_exporter.demo.fleet import SCENARIOS, Scenario, many
from testbed.dashboards.answers import (
    UIDS,
    answers,
    ask,
    choices,
    figure,
    load,
    panels,
    replicas_count_once,
    variables_of,
)
from testbed.dashboards.past import Outage, past_of
from testbed.dashboards.prometheus import ACCOUNT_NAME, Prometheus, lab
from testbed.programs import wait_for
from tests.grafana.seen import look, table

pytestmark = pytest.mark.timeout(150)

LOOKED_AT = "lighthouse"
PAST = {LOOKED_AT: (Outage(20, 3.6, 2), Outage(2, 1, 1)), "harbour-office": (Outage(10, 2, 1),)}
ID = ("account_id", "region", "vpn_connection_id")

# Of the first scenario: nothing fails there, so nothing can be said about failures.
SILENT = {
    "aws-vpn-fleet: Targets: is AWS answering?: D",
    "aws-vpn-exporter: Targets: D",
    "aws-vpn-exporter: Targets: E",
    "aws-vpn-exporter: Failed polls by cause: A",
}
# What asks for one of these has nothing to say while the optional sources are off.
OF_SOURCES = re.compile(
    r"aws_vpn_(source_|tunnel_(standby|receive|transmit|traffic|maintenance|last_maintenance|negotiated|log_events))"
    r"|aws_vpn_site|_limit|used_ratio|connection:exists|vpn_tunnel:path_"
)
PER_REPLICA = ("aws-vpn-exporter: Replicas:", "aws-vpn-exporter: Duration of scrapes:")

# Without those that change while the tests run.
TOUR = Scenario(
    "The tour, standing still.",
    tuple(
        one for one in SCENARIOS["tour"].connections if one.name not in ("ferry-terminal", "town-hall", "summer-kiosk")
    ),
)
WORST = ("DOWN", "REDUNDANCY LOST", "UP, NO ROUTES", "NOT REPORTED")
STATUS = {
    "north-mill": "DOWN",
    LOOKED_AT: "REDUNDANCY LOST",
    "print-shop": "REDUNDANCY LOST",
    "old-brewery": "REDUNDANCY LOST",
    "glassworks": "UP, NO ROUTES",
    "harbour-office": "UP",
    "pottery-works": "UP",
    "weather-station": "UP",
    "observatory": "UP",
    "bakery": "UP",
    "archive": "UP",
    "new-campus": "NOT IN SERVICE",
    "closed-depot": "NOT IN SERVICE",
}


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Most situations at once, two of them with a past of 30 days."""
    with lab(TOUR, tmp_path_factory.mktemp("tour"), past_of(PAST)) as api:
        for record in ("aws_vpn_connection_up:avg30d", *(f"security_hub_ec2_{n}:passed" for n in (20, 171, 183))):
            wait_for(partial(api.instant, f"vpn_connection:{record}"), 30, record)
        wait_for(lambda: api.instant('ALERTS{alertname="AwsVpnConnectionDown",alertstate="firing"}'), 30, "an alert")
        wait_for(lambda: api.instant("rate(aws_vpn_exporter_api_requests_total[1m])"), 30, "a second scrape")
        yield api


@pytest.fixture(scope="module")
def connection(tour: Prometheus) -> str:
    """The connection that is looked at."""
    offered = choices(tour, load("aws-vpn-connection"), "connection")
    return next(value for text, value in offered.items() if text.startswith(f"{LOOKED_AT} · vpn-"))


Seen = Mapping[str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def seen(tour: Prometheus, connection: str) -> Seen:
    """What a person sees of the tour, the connection by name."""
    return look(tour, LOOKED_AT)


@pytest.mark.parametrize("span", ["24h", "30d"])
@pytest.mark.parametrize("uid", UIDS)
def test_every_query_is_answered(tour: Prometheus, connection: str, uid: str, span: str) -> None:
    """With a fleet in all situations no panel stays empty; a figure is one figure."""
    found = list(answers(tour, uid, connection if uid == "aws-vpn-connection" else ".+", span))
    unread = {one.where for one in found if OF_SOURCES.search(one.expr)}
    assert {one.where for one in found if not one.samples} <= SILENT | unread
    assert not any(one.samples for one in found if one.where in unread)
    for one in found:
        if one.panel["type"] == "stat" and one.where not in unread:
            assert len(one.samples) == 1, one.where
        if uid == "aws-vpn-connection" and one.panel["type"] in ("timeseries", "state-timeline"):
            assert all(len(sample["values"]) > 1 for sample in one.samples), one.where  # type: ignore[arg-type]


@pytest.mark.parametrize("uid", UIDS)
def test_two_replicas_are_counted_once(tour: Prometheus, uid: str) -> None:
    """No answer tells replicas apart, but for the panels about them; and none holds one thing twice."""
    replicas_count_once(tour, uid)
    if uid == "aws-vpn-fleet":
        assert figure(tour, uid, "Connections") == len(TOUR.connections)
        assert figure(tour, uid, "Down") == 1
    if uid == "aws-vpn-exporter":
        assert figure(tour, uid, "Replicas reached") == 2
        assert figure(tour, uid, "Targets watched") == 2


def test_the_fleet_says_how_each_connection_is(seen: Seen) -> None:
    """One row a connection, each with the word that a person needs; those in trouble alone stand first."""
    found = table(seen["aws-vpn-fleet"]["All connections"])
    assert {row["Connection"]: row["Status"] for row in found} == STATUS
    assert all(row["Account"] == ACCOUNT_NAME for row in found)
    trouble = table(seen["aws-vpn-fleet"]["In trouble, the worst first"])
    assert [row["Status"] for row in trouble] == sorted((row["Status"] for row in trouble), key=WORST.index)
    assert {row["Connection"]: row["Status"] for row in trouble} == {
        name: status for name, status in STATUS.items() if status in WORST
    }


def test_the_map_tells_trouble_from_silence(seen: Seen) -> None:
    """One row an account, one cell a region: how many are in trouble, or that there are none at all."""
    (row,) = table(seen["aws-vpn-fleet"]["Trouble by account and region"])
    assert row == {"Account": "123456789012", "eu-west-1": "4", "us-east-1": "no connections"}


def test_availability_is_held_against_the_objective(seen: Seen) -> None:
    """3.6 hours without a tunnel are half a percent of 30 days, ten times what 99.95 % allows."""
    found = {row["Connection"]: row for row in table(seen["aws-vpn-fleet"]["Availability of each connection"])}
    in_service = [one for one in TOUR.connections if one.states.at(0)[0] in ("available", "modifying")]
    assert len(found) == len(in_service)

    def share(name: str, title: str) -> float:
        return float(found[name][title].removesuffix("%"))

    assert share(LOOKED_AT, "Available, 30 d") == pytest.approx(99.5, abs=0.03)
    assert share(LOOKED_AT, "Available, 7 d") == pytest.approx(100)
    assert share(LOOKED_AT, "Budget left, 30 d") == pytest.approx(-900, abs=60)
    assert share("harbour-office", "Available, 30 d") == pytest.approx(100)
    assert share("harbour-office", "Redundant, 30 d") == pytest.approx(100 * (1 - 2 / 720), abs=0.03)


def test_the_connection_explains_itself(seen: Seen) -> None:
    """Two tunnels, one of them down for a reason, and its alerts by name."""
    board = seen["aws-vpn-connection"]
    assert [row["State"] for row in table(board["Tunnels"])] == ["DOWN: IPsec is down", "UP"]
    alerts = {row["Alert: click for its runbook"] for row in table(board["Alerts about this connection"])}
    assert {"AwsVpnConnectionRedundancyLost", "AwsVpnTunnelOptionMismatch"} <= alerts
    (about,) = table(board["What it connects"])
    assert about["Name"] == LOOKED_AT
    compared = {
        (row["Option"], row["Verdict"], row["At AWS"], row["At the customer gateway"])
        for row in table(board["Beside the customer gateway"])
    }
    assert ("IKE versions", "DIFFERS", "ikev2", "ikev1") in compared
    assert {option for option, verdict, _, _ in compared if verdict == "fits"} == {
        "Phase 1 lifetime (seconds)",
        "Phase 2 lifetime (seconds)",
    }


def test_a_month_of_states_shows_the_outages(tour: Prometheus, connection: str) -> None:
    """The timeline of 30 days has both outages of the past, and one bar a tunnel."""
    (answer,) = (
        one for one in answers(tour, "aws-vpn-connection", connection, "30d") if one.panel["type"] == "state-timeline"
    )
    assert len(answer.samples) == 2
    downs = [sum(value == "1" for _, value in sample["values"]) for sample in answer.samples]  # type: ignore[attr-defined]
    assert min(downs) >= 2


def test_compliance_has_one_row_a_connection(tour: Prometheus, seen: Seen) -> None:
    """Each connection in service with its verdicts; every setting off the default with its tunnel."""
    board = seen["aws-vpn-options"]
    found = {row["Connection"]: row for row in table(board["Compliance of each connection"])}
    assert len(found) == figure(tour, "aws-vpn-options", "EC2.171 fails: logging") + 1
    assert found["observatory"]["EC2.171 logging"] == "PASSED"
    assert found["observatory"]["SHA-1"] == found["observatory"]["Weak DH groups"] == "no"
    assert found["bakery"]["EC2.183 IKEv2 only"] == "FAILED"
    assert found["weather-station"]["EC2.20 two tunnels"] == "FAILED"
    assert found[LOOKED_AT]["Drift"] == "DIFFERS"
    changed = table(board["Each tunnel's settings off AWS's default"])
    of_observatory = {(row["Option"], row["Setting"]) for row in changed if row["Connection"] == "observatory"}
    assert ("Log", "on") in of_observatory
    assert not any(row["Setting"] == row["AWS's default"] for row in changed)


@pytest.mark.parametrize("uid", UIDS)
def test_every_variable_offers_what_there_is(tour: Prometheus, uid: str) -> None:
    """Accounts, regions and connections by name, and what is chosen picks it."""
    dashboard = load(uid)
    assert list(choices(tour, dashboard, "job").values()) == ["aws-vpn-exporter"]
    assert choices(tour, dashboard, "account_id") == {f"{ACCOUNT_NAME} · 123456789012": "123456789012"}
    assert set(choices(tour, dashboard, "region").values()) == {"eu-west-1", "us-east-1"}
    if any(one["name"] == "connection" for one in dashboard["templating"]["list"]):
        offered = choices(tour, dashboard, "connection")
        assert len(offered) == len(TOUR.connections)
        assert all(text.endswith(f" · {value}") for text, value in offered.items())
    for mark in dashboard["annotations"]["list"]:
        # The optional sources are off, and nobody changes an option here.
        assert ask(tour, mark, variables_of(dashboard)) or mark["name"] in ("Maintenance", "Changes")


def test_a_choice_narrows_the_fleet(tour: Prometheus) -> None:
    """With the region without connections chosen, the fleet is empty and says so in figures."""
    dashboard = load("aws-vpn-fleet")
    variables = {**variables_of(dashboard), "region": "us-east-1"}
    counts = {
        panel["title"]: ask(tour, panel["targets"][0], variables)
        for panel in panels(dashboard)
        if panel["type"] == "stat"
    }
    assert counts["Connections"][0]["value"][1] == "0"  # type: ignore[index]
    assert counts["Fully up"] == []


def test_without_the_recording_rules_the_present_is_still_told(tour: Prometheus) -> None:
    """What is not recorded is missing and not zero; the state of the connections does not depend on it."""
    told = {}
    for uid in ("aws-vpn-fleet", "aws-vpn-options"):
        variables = variables_of(load(uid))
        for panel in panels(load(uid)):
            without = {**panel["targets"][0], "expr": panel["targets"][0]["expr"].replace("vpn_connection:", "nobody:")}
            told[panel["title"]] = ask(tour, without, variables)
    assert told["Down"][0]["value"][1] == "1"  # type: ignore[index]
    assert len(told["All connections"]) == len(TOUR.connections)
    for title in ("Below the objective, 30 d", "EC2.20 fails: two tunnels up", "EC2.171 fails: logging"):
        assert told[title] == [], title


def test_where_nothing_is_known_no_figure_says_that_all_is_well(tour: Prometheus) -> None:
    """Without any exporter, every figure is a gap: zero connections down would be a lie."""
    for uid in ("aws-vpn-fleet", "aws-vpn-options"):
        nowhere = {**variables_of(load(uid)), "job": "no-such-job"}
        for panel in panels(load(uid)):
            if panel["type"] == "stat":
                assert ask(tour, panel["targets"][0], nowhere) == [], panel["title"]


@pytest.mark.timeout(300)
def test_a_thousand_connections_have_a_row_each(tmp_path: Any) -> None:
    """The tables hold at 1,000 connections: one row each, no query refused. For costs see tests/grafana/costs.py."""
    with lab(Scenario("A large fleet.", many(1000)), tmp_path, pace=10) as api:
        for record in ("security_hub_ec2_20", "security_hub_ec2_183"):
            wait_for(lambda: len(api.instant(f"vpn_connection:{record}:passed")) == 1000, 90, record, tmp_path)  # noqa: B023
        boards = look(api, uids=("aws-vpn-fleet", "aws-vpn-options"))
        for uid, title in (
            ("aws-vpn-fleet", "All connections"),
            ("aws-vpn-options", "Compliance of each connection"),
        ):
            found = table(boards[uid][title])
            assert len(found) == len({row["Connection ID"] for row in found}) == 1000
        assert len(table(boards["aws-vpn-fleet"]["In trouble, the worst first"])) == 100
        assert figure(api, "aws-vpn-fleet", "Down") == 20
        assert figure(api, "aws-vpn-fleet", "Alone on too few tunnels") == 80
        for uid in UIDS:
            list(answers(api, uid, span="30d"))
