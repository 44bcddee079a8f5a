"""The status page as people see it: in a real browser, on a laptop and a phone, in light and dark."""

import html
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs
from urllib.request import urlopen

import pytest

from aws_vpn_exporter import __version__
from aws_vpn_exporter.demo.fleet import DEMO_SECRET, Fleet
from aws_vpn_exporter.demo.server import SimulatedAws
from aws_vpn_exporter.model import Connection, ConnectionState, Telemetry, Tunnel, TunnelState
from aws_vpn_exporter.policy import Settings
from aws_vpn_exporter.status import ConnectionsPoll, TargetStatus
from aws_vpn_exporter.target import FailureCause, PollError, Target
from aws_vpn_exporter.web.status import Wish, page
from testbed.exporter_process import ExporterProcess, with_credentials
from testbed.programs import REPOSITORY, find
from tests.support.real_programs import missing

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--allow-file-access-from-files",
)
NOW = 1_800_000_000.0
TARGET = Target("123456789012", "eu-west-1")
DARK = "--blink-settings=preferredColorScheme=0"


def chromium(folder: Path, url: str, *options: str) -> str:
    """What Chromium prints for the page."""
    command = [str(find("chromium")), *QUIET, f"--user-data-dir={folder / 'profile'}", *options, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address and the text of the page about the demo's fleet, with one region failing."""
    folder = tmp_path_factory.mktemp("status")
    config_file = folder / "config.yaml"
    config_file.write_text(
        "regions: [eu-west-1, us-east-1]\ntags: [site]\npolicies:\n- match: all\n"
        "  customer_gateway: {phase1_lifetime_seconds: 3600}\n"
    )
    with SimulatedAws(Fleet(lambda: NOW).describe) as simulated:
        simulated.fail("DescribeVpnConnections", "denied", region="us-east-1")
        command = ("serve", f"--config.file={config_file}")
        with ExporterProcess(command, with_credentials(simulated.url), folder / "log") as exporter:
            exporter.until_ready()
            yield f"http://127.0.0.1:{exporter.port}/", exporter.get("/").text


def test_the_worst_stands_first_and_says_what_to_do(shown: tuple[str, str]) -> None:
    _, text = shown
    verdicts = re.findall(r'<article class="card (\w+)"', text)
    assert verdicts == sorted(verdicts, key=["bad", "warn", "good", "idle"].index)
    first = text.split("<article")[1]
    for words in ("north-mill", "Down: no tunnel is up (0 of 2 up)", "Wintergate", "IPSEC IS DOWN", "gateway: 3600"):
        assert words in first
    assert "AwsVpnConnectionDown.md" in first
    assert "connections are not at full redundancy" in text
    assert "1 of 2 targets failing" in text
    assert "failing: denied" in text
    assert DEMO_SECRET not in text


def test_a_browser_shows_it_without_asking_anybody_else(shown: tuple[str, str], tmp_path: Path) -> None:
    url, text = shown
    assert not re.findall(r'(?:src|href)="(?!https://github\.com/|data:|metrics|\?|#)', text)
    for name, options in {"laptop": [], "dark": [DARK]}.items():
        picture = tmp_path / f"{name}.png"
        chromium(tmp_path, url, "--window-size=1280,1600", f"--screenshot={picture}", *options)
        assert picture.stat().st_size > 50_000
    assert (tmp_path / "laptop.png").read_bytes() != (tmp_path / "dark.png").read_bytes()


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_sticks_out_at_the_side(width: int, shown: tuple[str, str], tmp_path: Path) -> None:
    frame = f'<iframe style="width:{width}px;height:800px;border:0" srcdoc="{html.escape(shown[1])}"></iframe>'
    measure = "<script>onload = () => document.title = frames[0].document.documentElement.scrollWidth</script>"
    (tmp_path / "frame.html").write_text(f"<!doctype html><title></title>{frame}{measure}")
    seen = chromium(tmp_path, f"file://{tmp_path / 'frame.html'}", "--dump-dom", "--window-size=1400,900")
    assert re.search(r"<title>(\d+)</title>", seen)[1] == str(width)  # type: ignore[index]


def violations(text: str, tmp_path: Path, *options: str) -> object:
    """What axe finds wrong with the page."""
    axe = REPOSITORY / ".cache" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.exists():
        missing("axe-core is not here: npm install --prefix .cache/npm axe-core@4")
    run = (
        "<script>axe.run(document, {resultTypes: ['violations'], preload: false}).then(found => {"
        "document.body.innerHTML = '<pre>' + encodeURIComponent("
        "JSON.stringify(found.violations.map(v => [v.id, v.nodes.map(n => n.html)]))) + '</pre>' })</script>"
    )
    file = tmp_path / "page.html"
    file.write_text(text.replace("</body>", f"<script>{axe.read_text()}</script>{run}</body>"))
    seen = chromium(
        tmp_path, f"file://{file}", "--dump-dom", "--virtual-time-budget=20000", "--window-size=1280,1600", *options
    )
    found = re.search(r"<pre>(.*?)</pre>", seen)
    assert found, seen[-500:]
    return json.loads(re.sub("%(..)", lambda code: chr(int(code[1], 16)), found[1]))


@pytest.mark.parametrize("options", [[], [DARK]], ids=["light", "dark"])
def test_an_accessibility_check_finds_nothing(options: list[str], shown: tuple[str, str], tmp_path: Path) -> None:
    assert violations(shown[1], tmp_path, *options) == []


def down(number: int) -> Connection:
    """A connection with both tunnels down for the same reason."""
    telemetry = Telemetry(False, TunnelState.IPSEC_DOWN, "IPSEC IS DOWN", 1_799_990_000.0, 0)
    tunnels = tuple(Tunnel(f"203.0.113.{number % 120 * 2 + place}", telemetry) for place in (0, 1))
    name, tags = f"mill-{number:03}", {"site": "Saltmere"}
    return Connection(f"vpn-{number:017x}", ConnectionState.AVAILABLE, name=name, tags=tags, tunnels=tunnels)


def fleet(count: int) -> list[TargetStatus]:
    connections = tuple(map(down, range(count)))
    return [TargetStatus(ConnectionsPoll(TARGET, answer=connections, last_success=NOW))]


def names(text: str) -> list[str]:
    return re.findall(r"<h3>(.*?)</h3>", text)


def test_a_page_of_200_connections_is_accessible_too(tmp_path: Path) -> None:
    text = page(fleet(230), Settings(("site",)), NOW)
    assert len(names(text)) == 200
    assert "30 more connections are not shown here" in text
    assert violations(text, tmp_path) == []


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"search": "mill-229"}, ["mill-229"]),
        ({"search": "  SITE=saltmere   203.0.113.15  mill-007 "}, ["mill-007"]),
        ({"search": "vpn-000000000000000e5"}, ["mill-229"]),
        ({"search": "nowhere"}, []),
        ({"search": "mill-229", "show": "down"}, ["mill-229"]),
        ({"search": "mill-229", "show": "trouble"}, ["mill-229"]),
        ({"search": "mill-229", "show": "good"}, []),
        ({"search": "mill-229", "show": "nonsense"}, ["mill-229"]),
    ],
)
def test_search_looks_at_all_connections_and_each_word_counts(asked: dict[str, str], found: list[str]) -> None:
    text = page(fleet(230), Settings(("site",)), NOW, Wish.of(asked))
    assert sorted(names(text)) == found
    assert f"{len(found)} of 230 connections" in text


def test_a_form_without_script_keeps_what_was_asked_for(shown: tuple[str, str]) -> None:
    with urlopen(f"{shown[0]}?search=north%22%3E&show=down&refresh=30") as answer:
        text, policy = answer.read().decode(), answer.headers["content-security-policy"]
    assert 'name="search" value="north&#34;&gt;"' in text
    assert '<option value="down" selected>' in text
    assert '<button name="refresh" value="" role="switch" aria-checked="true">Refresh every 30 s</button>' in text
    assert 'role="switch" aria-checked="false">Refresh every 10 s</button>' in shown[1]
    assert "form-action 'self'" in policy
    assert "script" not in policy


def test_a_cause_of_both_tunnels_is_said_once() -> None:
    text = page(fleet(1), Settings(), NOW)
    summaries = re.findall(r"<summary>(.*?)</summary>", text)
    assert summaries
    assert all(one.startswith("Both tunnels: ") for one in summaries)
    assert len({one.partition(" (")[0] for one in summaries}) == len(summaries)


def test_it_says_its_version_and_when_aws_last_answered() -> None:
    assert f"Version {__version__}. AWS last answered at 2027-01-15 08:00:00 UTC" in page(fleet(1), Settings(), NOW)
    assert "AWS has not answered yet" in page([TargetStatus(ConnectionsPoll(TARGET))], Settings(), NOW)


def test_a_wide_screen_is_used(tmp_path: Path) -> None:
    measure = (
        "<script>onload = () => document.title = new Set([...document.querySelectorAll('article')]"
        ".map(one => one.getBoundingClientRect().left)).size</script>"
    )
    (tmp_path / "page.html").write_text(page(fleet(6), Settings(), NOW).replace("</body>", f"{measure}</body>"))
    for width, columns in ((1280, "1"), (2400, "2")):
        seen = chromium(tmp_path, f"file://{tmp_path / 'page.html'}", "--dump-dom", f"--window-size={width},900")
        assert re.search(r"<title>(\d+)</title>", seen)[1] == columns  # type: ignore[index]


def test_each_connection_leads_to_its_dashboard_where_grafana_is_known(shown: tuple[str, str]) -> None:
    """With the variables that the dashboard has."""
    assert "grafana" not in shown[1].lower()
    connection = Connection("vpn-1", ConnectionState.AVAILABLE)
    known = TargetStatus(ConnectionsPoll(TARGET, answer=(connection,), last_success=1.0))
    text = page([known], Settings(grafana_url="https://grafana.example.org/x"), NOW)
    [link] = re.findall(r'href="(https://grafana[^"]+)"', text)
    path, _, query = html.unescape(link).partition("?")
    assert path == "https://grafana.example.org/x/d/aws-vpn-connection"
    asked = {name.removeprefix("var-"): value for name, [value] in parse_qs(query).items()}
    assert asked == {"account_id": TARGET.account_id, "region": TARGET.region, "connection": "vpn-1"}
    dashboard = json.loads((REPOSITORY / "grafana" / "aws-vpn-connection.json").read_text())
    assert asked.keys() <= {variable["name"] for variable in dashboard["templating"]["list"]}


def test_hostile_names_stay_text() -> None:
    evil = "<script>alert(1)</script>\"'><img src=x>"
    connection = Connection(
        "vpn-1", ConnectionState.AVAILABLE, name=evil, tags={"site": evil}, customer_gateway_id=evil
    )
    failing = TargetStatus(ConnectionsPoll(Target(evil, "r"), failure=PollError(FailureCause.DENIED, evil)))
    good = TargetStatus(ConnectionsPoll(TARGET, answer=(connection,), last_success=1.0))
    text = page([good, failing], Settings(("site",)), NOW)
    assert "<script" not in text
    assert "<img" not in text
    assert text.count(html.escape(evil, quote=False).split('"')[0]) >= 5


def test_it_says_so_when_nothing_is_known_or_nothing_is_wrong() -> None:
    assert "No connections are known" in page([TargetStatus(ConnectionsPoll(TARGET))], Settings(), NOW)
    assert "not tried yet" in page([TargetStatus(ConnectionsPoll(TARGET))], Settings(), NOW)
    unreported = Connection("vpn-1", ConnectionState.AVAILABLE)
    good = ConnectionsPoll(TARGET, answer=(unreported,), last_success=1.0)
    text = page([TargetStatus(good)], Settings(), NOW)
    assert "AWS reports no tunnel state (? of 2 up)" in text


def test_it_refreshes_itself_only_when_asked(shown: tuple[str, str]) -> None:
    assert 'http-equiv="refresh"' not in shown[1]
    assert '<meta http-equiv="refresh" content="10">' in page([], Settings(), NOW, Wish.of({"refresh": "10"}))
    assert 'http-equiv="refresh"' not in page([], Settings(), NOW, Wish.of({"refresh": '0;url=//evil"'}))
