"""`bundle`: writes this version's alert rules, runbooks, Alertmanager configuration and dashboards into a folder."""

import json
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from posixpath import normpath

from aws_vpn_exporter import __version__

PROJECT = "https://github.com/aws-vpn-exporter/aws-vpn-exporter"

PARTS = (
    "alerts/README.md",
    "alerts/aws-vpn.rules.yaml",
    "alerts/alertmanager/**/*",
    "alerts/keepalive/*",
    "alerts/grafana/*",
    "deploy/**/*",
    "docs/runbooks/*.md",
    "grafana/README.md",
    "grafana/*.json",
    "grafana/provisioning/**/*",
)
"""What is written, as patterns below the folder that holds it; the wheel has it too (pyproject.toml)."""

_PACKAGE = Path(__file__).resolve().parents[1]
_LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)([^)\s]*)\)")


class BundleError(Exception):
    """The files cannot be written. The message is for a person."""


def bundle(out: Path, overwrite: bool = False, output: str = "text") -> int:
    """Writes the files below `out` and names them as `output`, text or json.

    Files that are there and say something else are replaced with `overwrite` only.

    Raises BundleError; unless the disk fails, nothing has been written then.
    """
    files = dict(_files())
    try:
        different = [name for name, text in files.items() if (out / name).exists() and _read(out / name) != text]
        if different and not overwrite:
            others = f", and so do {len(different) - 1} others" if len(different) > 1 else ""
            raise BundleError(
                f"{out / different[0]} is there and says something else{others}; --overwrite replaces such files"
            )
        for name, text in files.items():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_text(text, "utf-8")
    except OSError as error:
        raise BundleError(f"cannot write {error.filename or out}: {error.strerror}") from None
    if output == "json":
        print(json.dumps({"version": __version__, "folder": str(out), "files": list(files)}, indent=2))
        return 0
    print(f"{len(files)} files of aws-vpn-exporter {__version__} are in {out}:")
    for part, what in (
        ("alerts/aws-vpn.rules.yaml", "rule_files of Prometheus"),
        ("alerts/alertmanager", "Alertmanager: routes, inhibitions, message templates"),
        ("alerts/grafana", "Grafana-managed alert rules, which ask for the alerts of the rules"),
        ("alerts/keepalive", "blackbox_exporter: pings through each tunnel"),
        ("deploy", "a systemd unit, a task for ECS and Fargate"),
        ("docs/runbooks", "what to do about each alert"),
        ("grafana", "dashboards, and how Grafana loads them from files"),
    ):
        print(f"  {part}: {what}")
    return 0


def _files() -> Iterator[tuple[str, str]]:
    """The name below the folder, and the text, of each file."""
    # An installation from a checkout has the files in the checkout.
    root = next((root for root in (_PACKAGE / "bundle", _PACKAGE.parents[1]) if (root / PARTS[0]).exists()), None)
    if root is None:
        raise BundleError("this installation came without the files; install the package from an index or its wheel")
    names = sorted({file.relative_to(root).as_posix() for part in PARTS for file in root.glob(part) if file.is_file()})
    for name in names:
        text = (root / name).read_text("utf-8")
        yield name, _with_links(text, name, names) if name.endswith(".md") else text


def _with_links(text: str, name: str, names: list[str]) -> str:
    """The page's text, whose links to what is not written lead to the project's own pages of this version."""
    folders = {parent.as_posix() for one in names for parent in PurePosixPath(one).parents}

    def link(found: re.Match[str]) -> str:
        target = normpath((PurePosixPath(name).parent / found[1]).as_posix())
        if target in names or target in folders:
            return found[0]
        return f"]({PROJECT}/blob/v{__version__}/{target}{found[2]})"

    return _LINK.sub(link, text)


def _read(file: Path) -> str:
    return file.read_text("utf-8", errors="replace")
