"""The site of the documents builds without a warning, with every page and picture on it."""

import re
import subprocess
import sys
from pathlib import Path

from testbed.programs import REPOSITORY


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "tools.site"], cwd=REPOSITORY, check=True, capture_output=True)
    mkdocs = Path(sys.executable).with_name("mkdocs")
    command = [str(mkdocs), "build", "--site-dir", str(tmp_path)]  # --quiet would hide warnings from strict
    built = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    pages = {page.stem for page in (REPOSITORY / "docs").rglob("*.md")}
    assert pages <= {page.stem for page in (tmp_path / "docs").rglob("*.html")}
    start = (tmp_path / "index.html").read_text()
    for picture in re.findall(r'<img [^>]*src="([^"]+)"', start):
        assert picture.startswith("https://") or (tmp_path / picture).exists(), picture
