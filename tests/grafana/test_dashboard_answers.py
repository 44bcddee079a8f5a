"""Every query of every dashboard, answered by a real Prometheus that scrapes two real replicas of the exporter."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from aws_vpn_exporter import sources
from aws_vpn_exporter.demo.fleet import SCENARIOS, Scenario, ScriptedFault, many
from aws_vpn_exporter.demo.fleet.log_lines import LogLine
from aws_vpn_exporter.demo.fleet.situations import EVERY_OPTION_SET, REKEY_MISMATCH
from aws_vpn_exporter.demo.fleet.tunnel_histories import MAINTENANCE_PENDING, REKEY_REFUSED
from testbed.dashboards.answers import UIDS, Answer, answers, ask, choices, load, panels, rows, variables_of
from testbed.dashboards.past import Outage, past_of
from testbed.dashboards.prometheus import ACCOUNT_NAME, REGIONS, SOURCES, Prometheus, Samples, lab
from testbed.programs import wait_for

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
)
PER_REPLICA = ("aws-vpn-exporter: Replicas:", "aws-vpn-exporter: Duration of scrapes:")

# Without those that change while the tests run.
TOUR = Scenario(
    "The tour, standing still.",
    tuple(
        one for one in SCENARIOS["tour"].connections if one.name not in ("ferry-terminal", "town-hall", "summer-kiosk")
    ),
)
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
CAUSES = Scenario(
    "Each cause once.",
    (
        TALKATIVE,
        EVERY_OPTION_SET,
        *(one for one in SCENARIOS["causes"].connections if one.name != TALKATIVE.name),
    ),
)
CAUSE = {
    TALKATIVE.name: "rekey_mismatch",
    "signal-box": "idle_timeout",
    "watermill": "dead_peer_detection",
    "stone-quarry": "pre_shared_key_mismatch",
    "grain-store": "endpoint_replacement",
    "bell-foundry": "bgp_down",
    "fog-horn": "customer_gateway_unreachable",
}
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


def table(api: Prometheus, uid: str, title: str, connection: str = ".+") -> list[dict[str, str]]:
    """The rows of a table, under the titles of its columns."""
    panel = next(panel for panel in panels(load(uid)) if panel["title"] == title)
    found = rows(panel, asked(api, uid, panel, connection))
    titles = {}
    for override in panel["fieldConfig"]["overrides"]:
        for one in override["properties"]:
            if one["id"] == "displayName":
                titles[override["matcher"]["options"]] = one["value"]
    return [{titles.get(name, name): value for name, value in row.items()} for row in found]


def asked(api: Prometheus, uid: str, panel: Mapping[str, Any], connection: str = ".+") -> Mapping[str, Samples]:
    """The answers to a panel's queries."""
    variables = variables_of(load(uid), connection)
    return {target["refId"]: ask(api, target, variables) for target in panel["targets"]}


def words(panel: Mapping[str, Any], field: str) -> Mapping[str, str]:
    """What a table's field shows instead of its numbers."""
    properties = next(
        one["properties"] for one in panel["fieldConfig"]["overrides"] if one["matcher"]["options"] == field
    )
    mappings = next(one["value"] for one in properties if one["id"] == "mappings")
    return {number: result["text"] for number, result in mappings[0]["options"].items()}


def figure(api: Prometheus, uid: str, title: str) -> float:
    """What a panel with one figure shows."""
    (answer,) = (one for one in answers(api, uid) if one.panel["title"] == title)
    (sample,) = answer.samples
    return float(sample["value"][1])  # type: ignore[index]


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
        assert figure(tour, uid, "Connections down") == 1
    if uid == "aws-vpn-exporter":
        assert figure(tour, uid, "Replicas reached") == 2
        assert figure(tour, uid, "Targets watched") == 2


def replicas_count_once(api: Prometheus, uid: str) -> None:
    for one in answers(api, uid):
        labels = [tuple(sorted(sample["metric"].items())) for sample in one.samples]  # type: ignore[attr-defined]
        assert len(set(labels)) == len(labels), one.where
        if not one.where.startswith(PER_REPLICA):
            assert not any("instance" in dict(found) for found in labels), one.where


def test_the_fleet_says_how_each_connection_is(tour: Prometheus) -> None:
    """One row a connection, each with the word that a person needs."""
    title = "Connections, those in trouble first"
    panel = next(panel for panel in panels(load("aws-vpn-fleet")) if panel["title"] == title)
    found = table(tour, "aws-vpn-fleet", title)
    assert len(found) == len(TOUR.connections)
    names = words(panel, "Value #A")
    status = {row["Connection"]: names[row["Status"]] for row in found}
    assert status == STATUS
    assert all(set(row) >= {"Account", "Region", "Connection ID"} for row in found)


def test_the_map_tells_trouble_from_silence(tour: Prometheus) -> None:
    """One row an account, one cell a region: how many are in trouble, or that there are none at all."""
    (row,) = table(tour, "aws-vpn-fleet", "Trouble by account and region")
    assert row["eu-west-1"] == "4"
    assert row["us-east-1"] == "-2"


def test_availability_is_held_against_the_objective(tour: Prometheus) -> None:
    """3.6 hours without a tunnel are half a percent of 30 days, ten times what 99.95 % allows."""
    found = {row["Connection"]: row for row in table(tour, "aws-vpn-fleet", "Availability of each connection")}
    in_service = [one for one in TOUR.connections if one.states.at(0)[0] in ("available", "modifying")]
    assert len(found) == len(in_service)
    assert float(found[LOOKED_AT]["Available, 30 d"]) == pytest.approx(0.995, abs=0.0003)
    assert float(found[LOOKED_AT]["Available, 7 d"]) == pytest.approx(1)
    assert float(found[LOOKED_AT]["Budget left, 30 d"]) == pytest.approx(-9, abs=0.6)
    assert float(found["harbour-office"]["Available, 30 d"]) == pytest.approx(1)
    assert float(found["harbour-office"]["Redundant, 30 d"]) == pytest.approx(1 - 2 / 720, abs=0.0003)


def test_the_connection_explains_itself(tour: Prometheus, connection: str) -> None:
    """Two tunnels, one of them down for a reason, and its alerts by name."""
    uid = "aws-vpn-connection"
    states = sorted(row["State"] for row in table(tour, uid, "Tunnels", connection))
    assert states == ["1", "4"]
    alerts = {
        row["Alert: click for its runbook"] for row in table(tour, uid, "Alerts about this connection", connection)
    }
    assert {"AwsVpnConnectionRedundancyLost", "AwsVpnTunnelOptionMismatch"} <= alerts
    (about,) = table(tour, uid, "What it connects", connection)
    assert about["Name"] == LOOKED_AT
    compared = table(tour, uid, "Beside the customer gateway", connection)
    verdicts = {row["option\\tunnel_ip"]: set(row.values()) - {row["option\\tunnel_ip"]} for row in compared}
    assert verdicts == {"phase1_lifetime_seconds": {"1"}, "phase2_lifetime_seconds": {"0"}, "ike_versions": {"0"}}


def test_a_month_of_states_shows_the_outages(tour: Prometheus, connection: str) -> None:
    """The timeline of 30 days has both outages of the past, and one bar a tunnel."""
    (answer,) = (
        one for one in answers(tour, "aws-vpn-connection", connection, "30d") if one.panel["type"] == "state-timeline"
    )
    assert len(answer.samples) == 2
    downs = [sum(value == "1" for _, value in sample["values"]) for sample in answer.samples]  # type: ignore[attr-defined]
    assert min(downs) >= 2


def test_compliance_has_one_row_a_connection(tour: Prometheus) -> None:
    """Each connection in service with its verdicts; the tables of options have one row a tunnel."""
    found = {row["Connection"]: row for row in table(tour, "aws-vpn-options", "Compliance of each connection")}
    assert len(found) == figure(tour, "aws-vpn-options", "EC2.171 fails: logging") + 1
    assert found["observatory"]["EC2.171 logging"] == "1"
    assert found["observatory"]["SHA-1"] == found["observatory"]["Weak DH groups"] == "0"
    assert found["bakery"]["EC2.183 IKEv2 only"] == "0"
    assert found["weather-station"]["EC2.20 two tunnels"] == "0"
    assert found[LOOKED_AT]["Drift"] == "1"
    for title in ("Numbers and switches of each tunnel", "Words and sets of each tunnel"):
        keys = [(row["Connection ID"], row["Tunnel (outside IP)"]) for row in table(tour, "aws-vpn-options", title)]
        assert len(keys) == len(set(keys)) == 2 * len(found), title


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
        assert ask(tour, mark, variables_of(dashboard)), mark["name"]


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
    assert told["Connections down"][0]["value"][1] == "1"  # type: ignore[index]
    assert len(told["Connections, those in trouble first"]) == len(TOUR.connections)
    for title in ("Below the objective, 30 d", "EC2.20 fails: two tunnels up", "EC2.171 fails: logging"):
        assert told[title] == [], title


def test_where_nothing_is_known_no_figure_says_that_all_is_well(tour: Prometheus) -> None:
    """Without any exporter, every figure is a gap: zero connections down would be a lie."""
    for uid in ("aws-vpn-fleet", "aws-vpn-options"):
        nowhere = {**variables_of(load(uid)), "job": "no-such-job"}
        for panel in panels(load(uid)):
            if panel["type"] == "stat":
                assert ask(tour, panel["targets"][0], nowhere) == [], panel["title"]


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
    # Nothing fails here, and there is no past of which the availability would be known.
    silent = {one.where for one in found if not re.search("failures_total|:avg(7|30)d", one.expr) and not one.samples}
    assert silent == set()
    replicas_count_once(causes, uid)


def test_trouble_comes_with_its_cause(causes: Prometheus, talkative: str) -> None:
    """In the fleet's table and in that of one connection's tunnels; a tunnel that is well has none."""
    found = table(causes, "aws-vpn-fleet", "Connections, those in trouble first")
    assert {row["Connection"]: row["Probable cause"] for row in found if row["Connection"] in CAUSE} == CAUSE
    assert all(row["Account name"] == ACCOUNT_NAME for row in found)
    tunnels = table(causes, "aws-vpn-connection", "Tunnels", talkative)
    assert {row["State"]: row.get("Probable cause") for row in tunnels} == {"1": "rekey_mismatch", "4": None}
    (target, *_) = table(causes, "aws-vpn-fleet", "Targets: is AWS answering?")
    assert target["Account name"] == ACCOUNT_NAME


def test_a_connection_shows_what_the_sources_read(causes: Prometheus, talkative: str) -> None:
    """Traffic and maintenance of each tunnel, what was negotiated beside what is permitted, and events by class."""
    uid = "aws-vpn-connection"
    well, fallen = sorted(
        table(causes, uid, "Traffic and maintenance of each tunnel", talkative),
        key=lambda row: -float(row["Received"]),
    )
    assert float(well["Received"]) == pytest.approx(40_000)
    assert float(well["Sent"]) == pytest.approx(10_000)
    assert well["Maintenance"] == "1"
    assert float(well["Applied by AWS from"]) > float(well["Last maintenance"])
    assert float(fallen["Received"]) < float(well["Received"])  # its latest period may have begun before the fall
    assert fallen["Maintenance"] == "0"
    assert "Applied by AWS from" not in fallen
    negotiated = {
        (row["Tunnel (outside IP)"], row["Option"]): row
        for row in table(causes, uid, "Negotiated beside permitted", talkative)
    }
    ike = negotiated[well["Tunnel (outside IP)"], "ike_versions"]
    assert (ike["Negotiated"], ike["Permitted at AWS"], ike["Customer gateway"]) == ("ikev2", "ikev2", "0")
    encryption = negotiated[well["Tunnel (outside IP)"], "phase1_encryption_algorithms"]
    assert encryption["Negotiated"] in encryption["Permitted at AWS"].split(",")
    assert "Negotiated" not in negotiated[fallen["Tunnel (outside IP)"], "ike_versions"]
    assert len(negotiated) == 2 * 7
    events = table(causes, uid, "Log events of each tunnel", talkative)
    seen = {row["event\\tunnel_ip"] for row in events if fallen["Tunnel (outside IP)"] in row}
    assert {"no_proposal_match", "rekey", "other"} <= seen
    (answer,) = (one for one in answers(causes, uid, talkative) if one.panel["title"] == "Not understood")
    assert 0.05 < float(answer.samples[0]["value"][1]) < 0.35  # type: ignore[index]


def test_options_show_drift_with_its_values_and_what_is_in_use(causes: Prometheus) -> None:
    """AWS's side of each difference; one row a tunnel of what was negotiated."""
    uid = "aws-vpn-options"
    drift = {
        (row["Connection"], row["Option"], row.get("Number at AWS"), row.get("Words at AWS"))
        for row in table(causes, uid, "Drift: options that differ from the customer gateway's")
    }
    assert drift == {
        (TALKATIVE.name, "phase2_lifetime_seconds", "1800", None),
        ("observatory", "phase2_encryption_algorithms", None, "AES256-GCM-16"),
    }
    negotiated = table(causes, uid, "Negotiated by each tunnel")
    assert len(negotiated) == 2 * len(CAUSES.connections)
    assert figure(causes, uid, "Weak values in use") == 0


def test_sources_and_pending_maintenance_are_counted(causes: Prometheus) -> None:
    """Each source for each target once, and the two connections that await maintenance."""
    assert figure(causes, "aws-vpn-fleet", "Maintenance pending") == 2
    found = table(causes, "aws-vpn-exporter", "Optional sources")
    assert sorted((row["Region"], row["Source"], row["Read"]) for row in found) == [
        (region, source, "1") for region in sorted(REGIONS) for source in sorted(sources.SOURCES)
    ]


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
        assert one.samples or _says_so(one), one.where
    if uid == "aws-vpn-fleet":
        for title in ("Connections", "Connections down", "Maintenance pending"):
            assert figure(empty, uid, title) == 0, title


def _says_so(answer: Answer) -> bool:
    return bool(answer.panel["fieldConfig"]["defaults"].get("noValue"))


def test_an_account_that_denies_is_not_well(empty: Prometheus) -> None:
    """No answer is neither "no connections" nor "no trouble", and its cause is named."""
    wait_for(lambda: figure(empty, "aws-vpn-fleet", "Targets without an answer") == 1, 60, "the denial")
    (row,) = table(empty, "aws-vpn-fleet", "Trouble by account and region")
    assert row["eu-west-1"] == "-1"

    def causes() -> Mapping[str, str | None]:
        found = table(empty, "aws-vpn-fleet", "Targets: is AWS answering?")
        return {row["Region"]: row.get("Cause of failures") for row in found}

    # A counter that begins at one has not grown yet: the second failure is the first that shows.
    wait_for(lambda: causes() == {"eu-west-1": "denied", "us-east-1": None}, 60, "the cause")


def test_a_thousand_connections_have_a_row_each(tmp_path: Any) -> None:
    """The tables hold at 1,000 connections: one row each, no query refused. For costs see tests/grafana/costs.py."""
    with lab(Scenario("A large fleet.", many(1000)), tmp_path, pace=10) as api:
        for record in ("security_hub_ec2_20", "security_hub_ec2_183"):
            wait_for(lambda: len(api.instant(f"vpn_connection:{record}:passed")) == 1000, 90, record, tmp_path)  # noqa: B023
        for uid, title in (
            ("aws-vpn-fleet", "Connections, those in trouble first"),
            ("aws-vpn-options", "Compliance of each connection"),
        ):
            found = table(api, uid, title)
            assert len(found) == len({row["Connection ID"] for row in found}) == 1000
        assert len(table(api, "aws-vpn-options", "Numbers and switches of each tunnel")) == 2000
        assert figure(api, "aws-vpn-fleet", "Connections down") == 20
        assert figure(api, "aws-vpn-fleet", "Redundancy lost") == 80
        for uid in UIDS:
            list(answers(api, uid, span="30d"))


def test_what_cloudwatch_charges_is_told(causes: Prometheus) -> None:
    """Two replicas ask for two metrics a tunnel each minute. Last, because the second time is a minute after start."""
    uid, a_round = "aws-vpn-exporter", 2 * 2 * 2 * len(CAUSES.connections)
    wait_for(lambda: figure(causes, uid, "CloudWatch metrics asked for") > 0.9 * a_round, 90, "the second round")
    found = figure(causes, uid, "CloudWatch metrics asked for")
    # The first hour counts as a whole one.
    assert figure(causes, uid, "Charge for CloudWatch, 30 days") == pytest.approx(
        found / 1000 * 0.01 * 24 * 30, rel=0.1
    )
