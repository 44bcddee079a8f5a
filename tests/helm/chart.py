"""The chart, rendered by the real Helm."""

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import helm_python
import yaml

from testbed.programs import REPOSITORY

CHART = REPOSITORY / "helm" / "aws-vpn-exporter"
VALUES = REPOSITORY / "tests" / "helm" / "values"
"""Values that need what a plain cluster lacks: the operators' resources, somebody else's Secrets."""
INSTALLABLE = sorted((CHART / "ci").glob("*-values.yaml"))
"""Values with which the chart can be installed on any cluster and becomes ready, without AWS."""
ALL_VALUES = [*INSTALLABLE, *sorted(VALUES.glob("*.yaml"))]

Manifest = dict[str, Any]
Values = Mapping[str, Any]


def values_of(file: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(file.read_text(encoding="utf-8")))


@functools.cache
def _loaded() -> helm_python.Chart:
    return helm_python.Chart.load(CHART)


def rendered(
    values: Values | None = None,
    name: str = "vpn",
    namespace: str = "monitoring",
    chart: helm_python.Chart | None = None,
) -> dict[str, str]:
    """Template file to text. Raises HelmError, as `helm install` would fail."""
    templates = (chart or _loaded()).render(dict(values or {}), name=name, namespace=namespace)
    return {path.partition("/templates/")[2]: text for path, text in templates.items()}


def manifests(values: Values | None = None, **release: Any) -> list[Manifest]:
    return [manifest for text in _resources(rendered(values, **release)) for manifest in documents(text)]


def _resources(templates: Mapping[str, str]) -> Iterable[str]:
    return (text for path, text in sorted(templates.items()) if path != "NOTES.txt")


def documents(text: str) -> list[Manifest]:
    return [document for document in yaml.safe_load_all(text) if document]


def one(kind: str, found: Iterable[Manifest]) -> Manifest:
    """The only manifest of that kind."""
    (manifest,) = (manifest for manifest in found if manifest["kind"] == kind)
    return manifest
