"""Manifests held against the schemas that Kubernetes and the Prometheus Operator publish."""

import importlib

from kubernetes_validate import utils  # type: ignore[import-untyped]

from tests.helm.chart import Manifest
from tests.support.real_programs import missing

VERSIONS = utils.all_versions()
KUBERNETES = (VERSIONS[0], VERSIONS[-1])
"""The oldest and the newest version whose schemas are at hand."""


def check(manifest: Manifest, kubernetes: str) -> None:
    """Raises where the API server would refuse the manifest, or drop a field of it."""
    group = manifest["apiVersion"].partition("/")[0]
    if group == "monitoring.coreos.com":
        _check_monitoring(manifest)
    elif group == "grafana.integreatly.org":
        _check_grafana(manifest)
    else:
        utils.validate(manifest, kubernetes, strict=True)


def _check_monitoring(manifest: Manifest) -> None:
    try:
        models = importlib.import_module("cloudcoil.models.prometheus_operator.v1")
    except ImportError:
        missing("cloudcoil-models-prometheus-operator, which holds the schemas of the Operator, is not installed")
    model = getattr(models, manifest["kind"])
    read = model.model_validate(manifest).model_dump(mode="json", by_alias=True, exclude_unset=True)
    # The models pass over fields that they do not know, and so does the API server: what is lost was misspelt.
    assert read == manifest


def _check_grafana(manifest: Manifest) -> None:
    """The Grafana Operator's schema is in no package registry: these are the fields that the chart writes."""
    assert manifest["apiVersion"] == "grafana.integreatly.org/v1beta1"
    assert manifest["kind"] == "GrafanaDashboard"
    spec = manifest["spec"]
    assert set(spec) <= {"instanceSelector", "allowCrossNamespaceImport", "folder", "json"}
    assert isinstance(spec["instanceSelector"], dict)
    assert isinstance(spec["allowCrossNamespaceImport"], bool)
    assert isinstance(spec["json"], str)
