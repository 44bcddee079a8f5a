"""Writes what the chart repeats from elsewhere: the exporter's schema and version, the README's tables, the changes,
the alert rules and the dashboards.

Rules and dashboards are copied rather than linked, since Flux and source archives leave links out.
"""

import argparse
import importlib.metadata
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import yaml

from aws_vpn_exporter import __version__
from aws_vpn_exporter.config import Config
from tools.generated import ROOT, add_check, write_or_check

CHART = ROOT / "helm" / "aws-vpn-exporter"
GO_MODULES = sorted((ROOT / "tools" / "kubernetes").rglob("go.mod"))
IMAGE = "ghcr.io/aws-vpn-exporter/aws-vpn-exporter"
PROJECT = "https://github.com/aws-vpn-exporter/aws-vpn-exporter"


def schema(current: str) -> str:
    """values.schema.json with the exporter's definitions, which begin with a capital, as they are now."""
    document = json.loads(current)
    exporter = _for_values(Config.model_json_schema())
    definitions = exporter.pop("$defs") | {"Config": exporter}
    own = {name: value for name, value in document["$defs"].items() if not name[0].isupper()}
    document["$defs"] = own | dict(sorted(definitions.items()))
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _for_values(schema: Any) -> Any:
    """The exporter's schema for people who write values.

    Titles and defaults go: they repeat names and show the exporter's types. null goes: the file does not accept it.
    """
    if isinstance(schema, list):
        return [_for_values(item) for item in schema if item != {"type": "null"}]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _for_values(value) for key, value in schema.items() if key not in ("title", "default")}
    if "properties" in schema:
        kept["properties"] = {name: _for_values(value) for name, value in schema["properties"].items()}
    alternatives = kept.get("anyOf", ())
    return kept if len(alternatives) != 1 else kept.pop("anyOf")[0] | kept


def readme(current: str, values: str, go_modules: str) -> str:
    """README.md with the tables of values and of what the chart was tried on."""
    rows = "\n".join(f"| `{key}` | {_cell(default)} | {text} |" for key, default, text in described(values))
    table = f"| value | default | what it is |\n|---|---|---|\n{rows}\n"
    current = _between(current, "<!-- values:begin -->\n", "<!-- values:end -->\n", f"\n{table}\n")
    return _between(current, "<!-- tried:begin -->\n", "<!-- tried:end -->\n", f"\n{tried(go_modules)}\n")


def tried(go_modules: str) -> str:
    """What the tests run and what they only render, by version. `go_modules` names what was built for it."""

    def version(module: str) -> str:
        found = re.search(rf"^(?:require)?\s+{re.escape(module)} v(\S+)", go_modules, re.MULTILINE)
        if not found:
            raise ValueError(f"no go.mod below tools/kubernetes names a version of {module}")
        return found[1]

    published = kubernetes_validate.utils.all_versions()
    operator = importlib.metadata.version("cloudcoil.models.prometheus_operator")
    real_operator = version("github.com/prometheus-operator/prometheus-operator")
    rows = {
        f"Kubernetes {version('k8s.io/kubernetes')}": "on a real node, in a restricted namespace: installed, upgraded "
        "from one exporter to shards and back, rolled back, uninstalled; every manifest sent to the API server",
        f"Kubernetes {published[0]} to {published[-1]}": "rendered, and held against the schemas published for the "
        "oldest and for the newest",
        f"Helm {version('helm.sh/helm/v4')}": "all of the above on the node; lint",
        f"helm-unittest {version('github.com/helm-unittest/helm-unittest')}": "the suites in `tests/`",
        f"Prometheus Operator {real_operator}": "on that node, by `make operator`: it reads monitors, Probe and "
        "rules, its webhook judges the rules, and a real Prometheus takes the configuration that it generates",
        f"Prometheus Operator {operator.rpartition('.')[0]}": "rendered, and held against the schemas of its resources",
    }
    return "| version | what was done |\n|---|---|\n" + "".join(f"| {key} | {text} |\n" for key, text in rows.items())


def described(values: str) -> Iterator[tuple[str, object, str]]:
    """Each value that a comment `# --` stands above: its path, its default and the comment."""
    lines = values.splitlines()

    def walk(node: yaml.MappingNode, path: tuple[str, ...]) -> Iterator[tuple[str, object, str]]:
        for key, value in node.value:
            name = (*path, key.value)
            text = _comment_above(lines, key.start_mark.line)
            if text:
                yield ".".join(name), _plain(value), text
            elif isinstance(value, yaml.MappingNode):
                yield from walk(value, name)
            else:
                raise ValueError(f"values.yaml: {'.'.join(name)} has no description")

    root = yaml.compose(values, Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)
    return walk(root, ())


def _comment_above(lines: list[str], line: int) -> str:
    """The text of the comment block that ends above the line, from its `# --` on."""
    words: list[str] = []
    for above in reversed(lines[:line]):
        comment = above.strip()
        if not comment.startswith("#"):
            return ""
        words.insert(0, comment.removeprefix("# -- ").removeprefix("# "))
        if comment.startswith("# -- "):
            return " ".join(words)
    return ""


def _plain(node: yaml.Node) -> object:
    return yaml.safe_load(yaml.serialize(node, Dumper=yaml.SafeDumper))


def _cell(default: object) -> str:
    return f"`{json.dumps(default, ensure_ascii=False)}`".replace("|", "\\|")


def chart(current: str, changelog: str) -> str:
    """Chart.yaml with the exporter's version and the annotations that Artifact Hub reads."""
    version = yaml.safe_load(current)["version"]
    annotations = {
        "artifacthub.io/category": "monitoring-logging",
        "artifacthub.io/changes": _list([{"description": change} for change in changes(changelog, version)]),
        "artifacthub.io/images": _list([{"name": "aws-vpn-exporter", "image": f"{IMAGE}:{__version__}"}]),
        "artifacthub.io/license": "Apache-2.0",
        "artifacthub.io/links": _list(
            [
                {"name": "source", "url": PROJECT},
                {"name": "runbooks", "url": f"{PROJECT}/tree/main/docs/runbooks"},
                {"name": "support", "url": f"{PROJECT}/issues"},
            ]
        ),
        "artifacthub.io/operator": "false",
        "artifacthub.io/prerelease": "false",
        "artifacthub.io/containsSecurityUpdates": "false",
    }
    generated = yaml.dump(
        {"appVersion": __version__, "annotations": annotations}, Dumper=_Dumper, sort_keys=False, width=120
    )
    return _between(current, "# generated:begin\n", "# generated:end\n", generated)


def changes(changelog: str, version: str) -> list[str]:
    """The entries of one version in the CHANGELOG. Raises ValueError where it has none."""
    section = re.search(rf"^## {re.escape(version)}\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    entries = re.findall(r"^- (.+)$", section[1], re.MULTILINE) if section else []
    if not entries:
        raise ValueError(f"CHANGELOG.md says nothing about the chart's version {version}")
    return entries


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as a block."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _list(items: list[dict[str, str]]) -> str:
    return yaml.safe_dump(items, sort_keys=False, width=1000)


def _between(text: str, begin: str, end: str, block: str) -> str:
    head, found_begin, rest = text.partition(begin)
    _, found_end, tail = rest.partition(end)
    if not (found_begin and found_end):
        raise ValueError(f"the marks {begin.strip()} and {end.strip()} are missing")
    return f"{head}{begin}{block}{end}{tail}"


def generated(chart_folder: Path) -> Mapping[Path, str]:
    """What each file that repeats something should hold."""

    def read(name: str) -> str:
        return (chart_folder / name).read_text(encoding="utf-8")

    return {
        chart_folder / "values.schema.json": schema(read("values.schema.json")),
        chart_folder / "README.md": readme(
            read("README.md"), read("values.yaml"), "".join(one.read_text("utf-8") for one in GO_MODULES)
        ),
        chart_folder / "Chart.yaml": chart(read("Chart.yaml"), read("CHANGELOG.md")),
        chart_folder / "files" / "aws-vpn.rules.yaml": (ROOT / "alerts" / "aws-vpn.rules.yaml").read_text("utf-8"),
        **{
            chart_folder / "files" / "grafana" / file.name: file.read_text("utf-8")
            for file in sorted((ROOT / "grafana").glob("*.json"))
        },
    }


def main() -> int:
    """Write or check; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_check(parser)
    parser.add_argument("--chart", type=Path, default=CHART, metavar="FOLDER", help="default: %(default)s")
    options = parser.parse_args()
    try:
        files = generated(options.chart)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return write_or_check(files, options.check)


if __name__ == "__main__":
    sys.exit(main())
