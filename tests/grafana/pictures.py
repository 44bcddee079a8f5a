"""The pictures of the dashboards in README and docs, drawn by Grafana's own components: `make dashboard-pictures`.

From recorded answers and with the clock at the moment of the recording, so that each drawing gives the same bytes.
Chromium's version stands in each picture: another one may smooth letters otherwise.
"""

import argparse
import hashlib
import io
import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from testbed.programs import REPOSITORY, find
from tests.grafana.node import HERE, board_files, libraries

IMAGES = REPOSITORY / "docs" / "images"
RECORDING = HERE.parent / "recordings" / "trouble.json"
MODES = ("dark", "light")
BOARDS = ("fleet", "connection", "options", "exporter")
"""The logs are elsewhere, so there is nothing to draw of them."""
_DRAWN_BY = "Drawn by"
_COLORS = 128


@dataclass(frozen=True)
class Drawing:
    """A picture as committed, and what of the dashboard does not fit on it."""

    png: bytes
    cut: list[Mapping[str, str]]


def file_name(board: str, mode: str) -> str:
    """Of the picture below docs/images."""
    return f"dashboard-{board}.png" if mode == "dark" else f"dashboard-{board}-{mode}.png"


def draw(board: str, mode: str) -> Drawing:
    """Have Chromium draw one dashboard. Raises AssertionError with what the page says went wrong."""
    chromium, uid = find("chromium"), f"aws-vpn-{board}"
    (file,) = (path for path in board_files() if path.stem == uid)
    with tempfile.TemporaryDirectory() as folder:
        told = _node("shoot.mjs", str(_page()), str(chromium), str(RECORDING), mode, folder, str(file))
        report = json.loads(told)[uid]
        assert "error" not in report, report["error"]
        png = _smaller((Path(folder) / f"{uid}.png").read_bytes(), chromium_version(chromium))
    return Drawing(png, report["cut"])


def chromium_version(chromium: Path) -> str:
    """As Chromium says it."""
    told = subprocess.run([chromium, "--version"], capture_output=True, text=True, check=True).stdout
    return " ".join(told.split()[:2])


def drawn_by(png: bytes) -> str:
    """The version of Chromium that has drawn a picture."""
    return str(Image.open(io.BytesIO(png)).info.get(_DRAWN_BY, ""))


def _page() -> Path:
    """The page that draws dashboards, built anew where its sources or packages have changed."""
    packages = libraries()
    sources = sorted(path for path in HERE.rglob("*") if path.suffix in (".mjs", ".js", ".jsx", ".html"))
    key = hashlib.sha256(b"".join(path.read_bytes() for path in sources) + packages.name.encode()).hexdigest()[:12]
    page = packages.parent / f"dashboard-page-{key}"
    if not page.is_dir():
        # Whoever comes second finds the page whole or not at all.
        with tempfile.TemporaryDirectory(dir=packages.parent) as new:
            _node("build.mjs", str(packages), f"{new}/page")
            if not page.is_dir():
                Path(f"{new}/page").rename(page)
    return page


def _node(script: str, *arguments: str) -> str:
    done = subprocess.run(
        ["node", str(HERE / "draw" / script), *arguments], capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def _smaller(png: bytes, version: str) -> bytes:
    """The same with a palette: few colours are on it, and it halves the file."""
    notes, made = PngInfo(), io.BytesIO()
    notes.add_text(_DRAWN_BY, version)
    picture = Image.open(io.BytesIO(png)).convert("RGB").quantize(_COLORS, dither=Image.Dither.NONE)
    picture.save(made, "PNG", optimize=True, pnginfo=notes)
    return made.getvalue()


def main() -> None:
    """Draws every picture, and says what does not fit."""
    parser = argparse.ArgumentParser(prog="python -m tests.grafana.pictures", description=__doc__)
    parser.add_argument("boards", nargs="*", default=list(BOARDS), help="which ones; default: all")
    parser.add_argument("--folder", type=Path, default=IMAGES, help="where they go; default: docs/images")
    options = parser.parse_args()
    for board in options.boards:
        for mode in MODES:
            drawing = draw(board, mode)
            (options.folder / file_name(board, mode)).write_bytes(drawing.png)
            print(f"{board}, {mode}: {len(drawing.png) // 1024} KiB", *(f"\n  cut: {one}" for one in drawing.cut))


if __name__ == "__main__":
    main()
