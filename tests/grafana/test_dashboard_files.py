"""The committed dashboards are what the code builds, whole and well-formed; needs no Prometheus."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard as Decoded

from grafana import build
from testbed.dashboards.answers import UIDS, load, panels
from testbed.programs import REPOSITORY
from tests.grafana.lint import complaints

FAULTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "can be edited": lambda it: it.update(editable=True),
    "first variables": lambda it: it["templating"]["list"].pop(0),
    "no whole sentence": lambda it: it["panels"][0].update(description="A figure"),
    "the unit": lambda it: it["panels"][0]["fieldConfig"]["defaults"].update(unit="parsecs"),
    "of type": lambda it: it["panels"][0].update(type="graph"),
    "overlaps": lambda it: it["panels"][1]["gridPos"].update(x=0, y=0),
    "wider": lambda it: it["panels"][0]["gridPos"].update(x=23),
    "one id": lambda it: it["panels"][1].update(id=1),
    "another data source": lambda it: it["panels"][0]["targets"][0]["datasource"].update(uid="mine"),
    "of every job": lambda it: it["panels"][0]["targets"][0].update(expr="count(aws_vpn_tunnel_up{})"),
    "a rate over": lambda it: it["panels"][0]["targets"][0].update(expr='rate(x{job=~"$job"}[5m])'),
    "an empty cell": lambda it: panels(it)[4]["fieldConfig"]["overrides"].pop(),
    "merges": lambda it: panels(it)[4]["transformations"].append({"id": "merge", "options": {}}),
    "nobody publishes": lambda it: it["panels"][0]["targets"][0].update(expr='aws_vpn_tunnel_joy{job=~"$job"}'),
}


def test_the_committed_files_are_what_the_code_builds() -> None:
    """A change of the code without its JSON, or of the JSON by hand, is noticed."""
    assert build.stale(build.files()) == [], "run `python -m grafana.build`"


def test_a_file_that_is_not_current_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` fails and says which file and what to do; without it the file is written."""
    monkeypatch.setattr(build, "HERE", tmp_path / "grafana")
    (tmp_path / "grafana").mkdir()
    assert build.main(["--check"]) == 1
    assert (
        "grafana/aws-vpn-fleet.json is not current: run `python -m grafana.build`"
        in capsys.readouterr().out.replace("json: is", "json is")
    )
    assert build.main([]) == 0
    assert build.main(["--check"]) == 0


@pytest.mark.parametrize("uid", UIDS)
def test_decoding_and_encoding_loses_nothing(uid: str) -> None:
    """A misspelt key would be unknown to the SDK and vanish on the way."""
    register_default_plugins()
    raw = load(uid)
    again = json.loads(JSONEncoder(sort_keys=True).encode(Decoded.from_json(copy.deepcopy(dict(raw)))))
    for one in (*again["links"], *again["annotations"]["list"]):
        one.pop("placement")  # which the SDK adds
    assert again == raw


@pytest.mark.parametrize("uid", UIDS)
def test_no_rule_is_broken(uid: str) -> None:
    """Data source variable, titles, descriptions, units, intervals, layout, known metrics."""
    assert list(complaints(load(uid))) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_rule_is_noticed(fault: str) -> None:
    """The check above can fail."""
    broken = json.loads(json.dumps(load("aws-vpn-fleet")))
    FAULTS[fault](broken)
    assert any(fault in complaint for complaint in complaints(broken))


def test_links_lead_from_fleet_to_connection_to_runbook_and_console() -> None:
    """Each click answers the next question, and no link leads nowhere."""
    urls = {uid: re.findall(r'"url": "([^"]+)"', json.dumps(load(uid))) for uid in UIDS}
    for uid, of_board in urls.items():
        for url in of_board:
            internal = re.match(r"/d/([\w-]+)", url)
            assert internal is None or internal[1] in UIDS, (uid, url)
    assert any(url.startswith("/d/aws-vpn-connection?") for url in urls["aws-vpn-fleet"])
    assert any("docs/runbooks/${__data.fields.alertname}.md" in url for url in urls["aws-vpn-connection"])
    assert any("console.aws.amazon.com" in url for url in urls["aws-vpn-connection"])


@pytest.mark.parametrize("uid", UIDS)
def test_every_dashboard_leads_to_the_runbooks_the_status_page_and_the_others(uid: str) -> None:
    """On the page and not in a menu; the status page is that of a replica that Prometheus knows."""
    dashboard = load(uid)
    links = {one["title"]: one for one in dashboard["links"]}
    assert links["AWS VPN dashboards"]["tags"] == ["aws-vpn"]
    assert dashboard["tags"] == ["aws-vpn"]
    assert (REPOSITORY / links["Runbooks"]["url"].partition("/blob/main/")[2]).is_dir()
    assert links["Status page"]["url"] == "http://${instance}/"
    assert any(one["name"] == "instance" and one["hide"] == 2 for one in dashboard["templating"]["list"])
    assert not any("placement" in one for one in (*links.values(), *dashboard["annotations"]["list"]))


def test_an_export_asks_for_each_data_source_and_names_it_everywhere(tmp_path: Path) -> None:
    """As an import by grafana.com's form does it: each input is filled in, and the dashboard then knows its source."""
    assert build.main(["--export", str(tmp_path)]) == 0
    assert {path.stem for path in tmp_path.iterdir()} == set(UIDS)
    for path in tmp_path.iterdir():
        exported = json.loads(path.read_text("utf-8"))
        inputs = {one["name"]: one for one in exported["__inputs"]}
        assert set(re.findall(r"\$\{(DS_\w+)\}", path.read_text("utf-8"))) == set(inputs)
        assert {one["id"] for one in exported["__requires"] if one["type"] == "datasource"} == {
            one["pluginId"] for one in inputs.values()
        }
        sources = {one["name"]: one for one in exported["templating"]["list"] if one["type"] == "datasource"}
        assert sources["datasource"]["current"]["value"] == "${DS_PROMETHEUS}"
        # All else is the provisioned dashboard.
        provisioned = load(path.stem)
        for one in (*sources.values(), *provisioned["templating"]["list"]):
            if one["type"] == "datasource":
                one.pop("current", None)
        added = {"__inputs", "__requires", "__elements", "id"}
        assert {key: value for key, value in exported.items() if key not in added} == provisioned


def test_each_rule_of_the_linter_that_is_broken_has_its_reason() -> None:
    """The file that Grafana's dashboard-linter reads."""
    exclusions = yaml.safe_load((REPOSITORY / "grafana" / ".lint").read_text())["exclusions"]
    assert exclusions
    assert all(rule.endswith("-rule") and one["reason"].endswith(".") for rule, one in exclusions.items())


def test_links_into_the_documentation_find_their_place() -> None:
    """The page is in the repository, and has the heading that the link names."""
    texts = "".join(json.dumps(load(uid)) for uid in UIDS)
    found = set(re.findall(r"/blob/main/(docs/[\w./-]+\.md)(?:#([\w-]+))?\"", texts))
    assert found
    for path, anchor in found:
        headings = re.findall(r"^#+ (.*)$", (REPOSITORY / path).read_text("utf-8"), re.MULTILINE)
        assert anchor in ("", *(re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings))


def test_every_field_in_a_link_is_a_column_of_its_table() -> None:
    """Grafana leaves a placeholder in the URL where the table has no such field."""
    for uid in UIDS:
        for panel in panels(load(uid)):
            wanted = set(re.findall(r"__data\.fields\.(\w+)", json.dumps(panel)))
            columns = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
            assert wanted <= columns, (uid, panel["title"])


def test_alerts_lead_to_dashboards_and_variables_that_exist() -> None:
    """The path in an alert's annotation opens the right dashboard with the right variables."""
    rules = (REPOSITORY / "alerts" / "aws-vpn.rules.yaml").read_text("utf-8")
    found = set(re.findall(r"/d/([\w-]+)", rules))
    assert found
    assert found <= set(UIDS)
    for variable in set(re.findall(r"[?&]var-(\w+)=", rules)):
        assert variable in {one["name"] for one in load("aws-vpn-connection")["templating"]["list"]}


def test_the_provisioning_files_provide_what_the_dashboards_ask_for() -> None:
    """A Prometheus as the default data source, and the folder that the dashboards are mounted at."""
    folder = REPOSITORY / "grafana" / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text())["datasources"]
    assert source["type"] == "prometheus"
    assert source["isDefault"] is True
    (provider,) = yaml.safe_load((folder / "dashboards" / "aws-vpn.yaml").read_text())["providers"]
    assert provider["type"] == "file"
    assert provider["options"]["path"].startswith("/")
    # It loads every JSON file below the folder: another copy of a dashboard there would be a second one of its uid.
    assert {path.stem for path in build.HERE.rglob("*.json")} == set(UIDS)
