"""The chart's helm-unittest suites, read by a small reader of what they use, so that they are run where Helm's plugin
cannot be had. An assertion that the reader does not know fails, rather than pass unread.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import helm_python
import pytest
import yaml

from tests.helm.chart import CHART, Manifest, documents, rendered

SUITES = sorted((CHART / "tests").glob("*_test.yaml"))
SUITE_KEYS = {"suite", "templates", "release", "tests"}
TEST_KEYS = {"it", "templates", "release", "set", "documentIndex", "asserts"}

Block = Mapping[str, Any]
_ABSENT = object()


def _cases() -> list[Any]:
    suites = {file.stem: yaml.safe_load(file.read_text(encoding="utf-8")) for file in SUITES}
    return [
        pytest.param(suite, test, id=f"{name}: {test['it']}")
        for name, suite in suites.items()
        for test in suite["tests"]
    ]


@pytest.mark.parametrize(("suite", "test"), _cases())
def test_suite(suite: Block, test: Block) -> None:
    assert set(suite) <= SUITE_KEYS
    assert set(test) <= TEST_KEYS
    try:
        found = _documents(suite, test)
        error = ""
    except helm_python.HelmError as failure:
        found, error = {}, str(failure)
    for assertion in test["asserts"]:
        index = assertion.get("documentIndex", test.get("documentIndex"))
        ((kind, wanted),) = ((key, value) for key, value in assertion.items() if key != "documentIndex")
        if kind == "failedTemplate":
            assert re.search(wanted["errorPattern"], error)
            continue
        assert not error
        for manifests in found.values():
            ASSERTIONS[kind](manifests if index is None else [manifests[index]], wanted)


def _documents(suite: Block, test: Block) -> dict[str, list[Manifest]]:
    """By template, those that the test is about."""
    release = {"name": "RELEASE-NAME", "namespace": "NAMESPACE", **suite.get("release", {}), **test.get("release", {})}
    texts = rendered(test.get("set"), **release)
    unknown = set(test.get("templates") or suite["templates"]) - {file.name for file in (CHART / "templates").iterdir()}
    assert not unknown
    return {name: documents(texts.get(name, "")) for name in test.get("templates") or suite["templates"]}


def at(manifest: Manifest, path: str) -> Any:
    """The value at a path such as a.b[0]["c.d"], or _ABSENT."""
    value: Any = manifest
    for name, index, quoted in re.findall(r'([\w-]+)|\[(\d+)\]|\["([^"]+)"\]', path):
        try:
            value = value[int(index)] if index else value[name or quoted]
        except (KeyError, IndexError, TypeError):
            return _ABSENT
    return value


def _has_documents(manifests: list[Manifest], wanted: Block) -> None:
    assert len(manifests) == wanted["count"]


def _each(check: Callable[[Manifest, Block], None]) -> Callable[[list[Manifest], Block], None]:
    def checked(manifests: list[Manifest], wanted: Block) -> None:
        assert manifests
        for manifest in manifests:
            check(manifest, wanted)

    return checked


def _is_kind(manifest: Manifest, wanted: Block) -> None:
    assert manifest["kind"] == wanted["of"]


def _equal(manifest: Manifest, wanted: Block) -> None:
    assert at(manifest, wanted["path"]) == wanted["value"]


def _exists(manifest: Manifest, wanted: Block) -> None:
    assert at(manifest, wanted["path"]) is not _ABSENT


def _not_exists(manifest: Manifest, wanted: Block) -> None:
    assert at(manifest, wanted["path"]) is _ABSENT


def _contains(manifest: Manifest, wanted: Block) -> None:
    assert wanted["content"] in at(manifest, wanted["path"])


def _length_equal(manifest: Manifest, wanted: Block) -> None:
    assert len(at(manifest, wanted["path"])) == wanted["count"]


def _match_regex(manifest: Manifest, wanted: Block) -> None:
    assert re.search(wanted["pattern"], at(manifest, wanted["path"]))


ASSERTIONS: Mapping[str, Callable[[list[Manifest], Block], None]] = {
    "hasDocuments": _has_documents,
    "isKind": _each(_is_kind),
    "equal": _each(_equal),
    "exists": _each(_exists),
    "notExists": _each(_not_exists),
    "contains": _each(_contains),
    "lengthEqual": _each(_length_equal),
    "matchRegex": _each(_match_regex),
}
