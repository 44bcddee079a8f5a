"""What the chart repeats is up to date, and what it documents is complete."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helm.chart import CHART
from tools import build_chart


@pytest.mark.parametrize("file", build_chart.generated(), ids=lambda file: file.name)
def test_generated_parts_are_up_to_date(file: Path) -> None:
    assert file.read_text(encoding="utf-8") == build_chart.generated()[file], "run tools/build_chart.py"


def test_every_value_is_described_in_the_readme_with_its_default() -> None:
    rows = build_chart.described((CHART / "values.yaml").read_text(encoding="utf-8"))
    described = {path: default for path, default, _ in rows}

    def covered(value: Any, path: str) -> bool:
        if path in described:
            return bool(described[path] == value)
        return isinstance(value, dict) and all(covered(item, f"{path}.{key}") for key, item in value.items())

    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    assert [key for key, value in values.items() if not covered(value, key)] == []


def test_a_value_without_a_description_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"a\.c has no description"):
        list(build_chart.described("a:\n  # -- One.\n  b: 1\n  c: 2\n"))


def test_a_version_without_changes_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"2\.0\.0"):
        build_chart.changes("## 1.0.0\n\n- One\n", "2.0.0")


def test_the_schema_refuses_null_as_the_exporter_does() -> None:
    assert "null" not in (CHART / "values.schema.json").read_text(encoding="utf-8")
