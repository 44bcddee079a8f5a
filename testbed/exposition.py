"""Reading what an exporter publishes."""

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families


def samples(page: str, name: str) -> dict[frozenset[tuple[str, str]], float]:
    """The samples of one name, by their labels. Raises AssertionError for a duplicate series."""
    found: dict[frozenset[tuple[str, str]], float] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == name:
                key = frozenset(sample.labels.items())
                assert key not in found, f"{name} {sample.labels}: duplicate series"
                found[key] = sample.value
    return found


def openmetrics(page: str) -> list[Metric]:
    """The families of a page in the OpenMetrics format. Raises ValueError for a page in another format."""
    return list(openmetrics_families(page))  # type: ignore[no-untyped-call]


def values(page: str, name: str, **labels: str) -> list[float]:
    """The values of one name whose series carry the labels."""
    return [value for key, value in samples(page, name).items() if labels.items() <= dict(key).items()]
