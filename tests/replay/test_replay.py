"""`python -m tools.replay`: a file of samples goes in, the times at which alerts fired come out."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from testbed.programs import REPOSITORY, find

START = 1_700_000_400
"""A multiple of all the paces used here, so that the expected times are round."""

Run = Callable[..., subprocess.CompletedProcess[str]]
VERSIONS = pytest.mark.parametrize("old", [False, True], ids=["new", "old"])
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Replays lines of OpenMetrics through rules; without rules through the shipped ones."""
    find("prometheus")

    def replay(lines: Sequence[str], rules: str = "", *options: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "past.om").write_text("\n".join(lines) + "\n")
        (tmp_path / "rules.yaml").write_text(rules)
        chosen = [f"--rules={tmp_path / 'rules.yaml'}"] if rules else []
        command = [sys.executable, "-m", "tools.replay", str(tmp_path / "past.om"), *chosen, *options]
        return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)

    return replay


def fired(done: subprocess.CompletedProcess[str]) -> list[tuple[str, Mapping[str, str], int, int | None]]:
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    return [(one["alertname"], one["labels"], *_from_start(one["starts_at"], one["ends_at"])) for one in found]


def _from_start(starts: int, ends: int | None) -> tuple[int, int | None]:
    return starts - START, None if ends is None else ends - START


def samples(series: str, values: Mapping[int, float], start: int = START) -> list[str]:
    return [f"{series} {value} {start + at}" for at, value in values.items()]


def rules(*texts: str, interval: str = "1m") -> str:
    return "groups:\n  - name: one\n    interval: " + interval + "\n    rules:\n" + "".join(texts)


def alert(name: str, expression: str, *more: str) -> str:
    return f"      - alert: {name}\n        expr: {expression}\n" + "".join(f"        {line}\n" for line in more)


def record(name: str, expression: str) -> str:
    return f"      - record: {name}\n        expr: {expression}\n"


@VERSIONS
def test_an_alert_waits_fires_and_ends(run: Run, old: bool) -> None:
    find("prometheus", old)
    past = samples("a", {0: 0, 120: 1, 360: 1, 480: 0, 600: 0})
    done = run([*past, "# EOF"], rules(alert("High", "a == 1", "for: 2m")), "--step=60", *(["--old"] if old else []))
    assert fired(done) == [("High", {}, 240, 480)]


def test_what_still_fires_has_no_end(run: Run) -> None:
    done = run([*samples("a", {0: 1, 300: 1}), "# EOF"], rules(alert("High", "a == 1")), "--step=60")
    assert fired(done) == [("High", {}, 0, None)]


def test_each_stretch_is_told_by_itself_and_a_short_one_not_at_all(run: Run) -> None:
    past = samples("a", {0: 1, 60: 0, 120: 1, 300: 0, 360: 1, 540: 0, 600: 0})
    done = run([*past, "# EOF"], rules(alert("High", "a == 1", "for: 2m")), "--step=60")
    assert fired(done) == [("High", {}, 240, 300), ("High", {}, 480, 540)]


def test_keep_firing_for_bridges_a_pause_and_delays_the_end(run: Run) -> None:
    past = samples("a", {0: 1, 120: 0, 180: 1, 300: 0, 600: 0, 900: 0})
    done = run([*past, "# EOF"], rules(alert("High", "a == 1", "keep_firing_for: 3m")), "--step=60")
    assert fired(done) == [("High", {}, 0, 480)]


def test_labels_of_the_series_and_of_the_alert_are_told(run: Run) -> None:
    past = samples('a{path="C:\\\\x \\"y\\" # {z}"}', {0: 1, 60: 1})
    done = run(
        [*past, "# EOF"], rules(alert("High", "a == 1", 'labels: {severity: warning, who: "{{ $labels.path }}"}'))
    )
    assert fired(done) == [("High", {"path": 'C:\\x "y" # {z}', "severity": "warning"}, 0, None)]


def test_rules_are_evaluated_after_those_that_they_read_wherever_they_stand(run: Run) -> None:
    chain = rules(alert("Third", 'ALERTS{alertname="Second",alertstate="firing"} == 1'), alert("Second", "twice > 3"))
    chain += (
        rules(record("twice", "2 * once"), record("once", "a + 0")).replace("groups:\n", "").replace("one", "two", 1)
    )
    done = run([*samples("a", {0: 1, 120: 2, 240: 1, 300: 1}), "# EOF"], chain, "--step=60")
    assert [(name, *times) for name, _, *times in fired(done)] == [("Second", 120, 240), ("Third", 120, 240)]


def test_a_recorded_series_ends_when_its_rule_gives_nothing_more(run: Run) -> None:
    """Without Prometheus's mark for the end, the last value would count for five minutes more."""
    done = run(
        [*samples("a", {0: 2, 60: 2, 120: 0, 360: 0, 600: 0}), "# EOF"],
        rules(record("some", "a > 1"), alert("High", "some")),
        "--step=60",
    )
    assert fired(done) == [("High", {}, 0, 120)]


def test_an_exemplar_is_no_part_of_its_sample(run: Run) -> None:
    past = ['a_total{le="1"} 3 1700000400 # {trace="x y"} 0.5 1700000399', *samples('a_total{le="1"}', {60: 3})]
    done = run([*past, "# EOF"], rules(alert("Three", "a_total == 3")))
    assert fired(done) == [("Three", {"le": "1"}, 0, None)]


def test_a_rule_that_reads_its_own_past_remembers(run: Run) -> None:
    """What was high is remembered until it is forgotten: 'forget' ends it, and the series with it."""
    remembering = record("was", "(a == 1 or last_over_time(was[3m])) unless forget == 1")
    past = samples("a", {0: 0, 60: 1, 120: 0, 360: 0, 600: 0}) + samples("forget", {0: 0, 240: 0, 360: 1, 600: 1})
    done = run([*past, "# EOF"], rules(remembering, alert("Was", "was")), "--step=60")
    assert fired(done) == [("Was", {}, 60, 360)]


def test_a_circle_through_an_alert_is_cut_and_told(run: Run) -> None:
    circle = rules(record("calm", 'a unless on () ALERTS{alertname="High"}'), alert("High", "calm == 1"))
    done = run([*samples("a", {0: 1, 120: 0}), "# EOF"], circle, "--step=60")
    assert fired(done) == [("High", {}, 0, 120)]
    assert "calm (High)" in done.stderr


def test_the_order_of_the_samples_does_not_matter(run: Run) -> None:
    done = run([*samples("a", {300: 1, 0: 0, 120: 1}), "# EOF"], rules(alert("High", "a == 1")), "--step=60")
    assert fired(done) == [("High", {}, 120, None)]


def test_a_past_that_lies_ahead_is_replayed_all_the_same(run: Run) -> None:
    ahead = START + (int(time.time()) - START) // 86400 * 86400 + 90 * 86400
    past = samples("a", {0: 1, 300: 1}, ahead) + samples("b_timestamp_seconds", {0: ahead, 300: ahead}, ahead)
    done = run([*past, "# EOF"], rules(alert("Young", "time() - b_timestamp_seconds < 200")), "--step=60")
    assert fired(done) == [("Young", {}, ahead - START, ahead - START + 240)]


def test_an_alert_about_metrics_that_the_file_lacks_is_named_and_left_out(run: Run) -> None:
    done = run(
        [*samples("a", {0: 1, 60: 1}), "# EOF"],
        rules(alert("Gone", "absent(up)"), alert("Always", "vector(1)"), alert("High", "a")),
    )
    assert [name for name, *_ in fired(done)] == ["High"]
    assert "Always, Gone" in done.stderr


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["a 1 1700000000"], "# EOF"),
        (["# EOF"], "no sample"),
        (["a 1 1700000000", "# EOF", "a 1 1700000060"], "line 3"),
        (["# TYPE a gauge", "a 1", "# EOF"], "line 2"),
        (["a one 1700000000", "# EOF"], "line 1"),
        (["a{b=1} 1 1700000000", "# EOF"], "line 1: the labels of a"),
        (['a{b="1",b="2"} 1 1700000000', "# EOF"], "label b twice"),
        (["9a 1 1700000000", "# EOF"], "line 1"),
        (["a 1 NaN", "# EOF"], "line 1"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_line(run: Run, lines: list[str], said: str) -> None:
    done = run(lines, rules(alert("High", "a == 1")))
    assert (done.returncode, done.stdout) == (1, "")
    assert "past.om: " in done.stderr
    assert said in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (rules(record("b", "a or c"), record("c", "b")), "in a circle"),
        (rules(alert("High", "a ==")), "a =="),
    ],
    ids=["circle", "syntax"],
)
def test_rules_that_cannot_be_replayed_are_refused(run: Run, text: str, said: str) -> None:
    done = run([*samples("a", {0: 1, 60: 1}), "# EOF"], text)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr


@VERSIONS
def test_the_shipped_rules_find_an_outage_and_no_other(run: Run, old: bool) -> None:
    """Three days, a sample every five minutes: one tunnel is dead from the 60th hour to the 64th, the other is not."""
    find("prometheus", old)
    labels = 'account_id="1",region="r",vpn_connection_id="vpn-{}",tunnel_ip="192.0.2.1",job="aws-vpn-exporter"'
    past = []
    for name, dead in (("dead", range(60 * 12, 64 * 12)), ("well", range(0))):
        identity = labels.format(name)
        for number in range(72 * 12):
            receive = 35 if number in dead else 40_000
            for metric, value in (
                ("up", 1),
                ("receive_bytes_per_second", receive),
                ("transmit_bytes_per_second", 9000),
            ):
                past += samples(f"aws_vpn_tunnel_{metric}{{{identity}}}", {number * 300: value})
    [(name, found, starts, ends)] = fired(run([*past, "# EOF"], "", *(["--old"] if old else [])))
    assert (name, found["vpn_connection_id"]) == ("AwsVpnTunnelBlackhole", "vpn-dead")
    assert 60 * 3600 < starts <= 60 * 3600 + 1800
    assert ends is not None
    assert 64 * 3600 <= ends <= 64 * 3600 + 600
