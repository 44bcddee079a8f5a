"""Lays out the pages for mkdocs.yaml in .cache/site/pages, as they lie in the repository; README.md is the first page.

A link to what is no page, such as a folder or a program, leads to the repository.
"""

import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath
from posixpath import normpath

from tools.generated import ROOT

PAGES = ROOT / ".cache" / "site" / "pages"
PROJECT = "https://github.com/aws-vpn-exporter/aws-vpn-exporter/blob/main"
_LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)([^)\s]*)\)")
_SHOWN = (".md", ".png", ".svg")
_NOT_PAGES = (".github/", "tests/", "lab/", "tools/")


def lay_out() -> None:
    """Copies the pages and their pictures, with links that work on the site."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = {name for name in listed.splitlines() if name.endswith(_SHOWN) and not name.startswith(_NOT_PAGES)}
    shutil.rmtree(PAGES, ignore_errors=True)
    for name in sorted(names):
        page = PAGES / ("index.md" if name == "README.md" else name)
        page.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".md"):
            page.write_text(_for_site((ROOT / name).read_text("utf-8"), name, names), "utf-8")
        else:
            shutil.copy(ROOT / name, page)


def _for_site(text: str, name: str, names: set[str]) -> str:
    def link(found: re.Match[str]) -> str:
        target = normpath((PurePosixPath(name).parent / found[1]).as_posix())
        if target == "README.md":
            return f"]({'../' * name.count('/')}index.md{found[2]})"
        return found[0] if target in names else f"]({PROJECT}/{target}{found[2]})"

    return _LINK.sub(link, text)


if __name__ == "__main__":
    lay_out()
    print(Path(PAGES).relative_to(ROOT))
