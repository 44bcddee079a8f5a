"""What the chart documents is complete. (That its generated parts are current: tests/repository/test_generated.py.)"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from testbed.programs import REPOSITORY
from tests.helm.chart import CHART


def built(chart: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.build_chart", f"--chart={chart}"]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)


def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CHART, tmp_path / "chart"))


def test_every_value_is_described_in_the_readme_with_its_default() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| `(.*?)` \| .+ \|$", (CHART / "README.md").read_text("utf-8"), re.MULTILINE)
    described = {path: json.loads(default.replace("\\|", "|")) for path, default in rows}

    def covered(value: Any, path: str) -> bool:
        if path in described:
            return bool(described[path] == value)
        return isinstance(value, dict) and all(covered(item, f"{path}.{key}") for key, item in value.items())

    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    assert [key for key, value in values.items() if not covered(value, key)] == []


def test_a_value_without_a_description_is_an_error(tmp_path: Path) -> None:
    chart = copied(tmp_path)
    (chart / "values.yaml").write_text("a:\n  # -- One.\n  b: 1\n  c: 2\n")
    refused = built(chart)
    assert (refused.returncode, refused.stderr) == (1, "values.yaml: a.c has no description\n")


def test_a_version_without_changes_is_an_error(tmp_path: Path) -> None:
    chart = copied(tmp_path)
    (chart / "CHANGELOG.md").write_text("## 0.0.1\n\n- One\n")
    refused = built(chart)
    assert refused.returncode == 1
    assert refused.stderr.startswith("CHANGELOG.md says nothing about the chart's version")


def test_a_schema_that_lacks_a_configuration_key_is_written_anew(tmp_path: Path) -> None:
    chart = copied(tmp_path)
    schema = chart / "values.schema.json"
    current = schema.read_text("utf-8")
    without = json.loads(current)
    del without["$defs"]["Config"]["properties"]["regions"]
    schema.write_text(json.dumps(without), "utf-8")
    assert built(chart).returncode == 0
    assert schema.read_text("utf-8") == current


def test_the_schema_refuses_null_as_the_exporter_does() -> None:
    assert "null" not in (CHART / "values.schema.json").read_text(encoding="utf-8")
