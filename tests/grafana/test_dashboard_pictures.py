"""The pictures in README and docs are what Grafana's own components draw of the dashboards."""

import io

import pytest
from PIL import Image, ImageChops

from tests.grafana.pictures import BOARDS, IMAGES, MODES, draw, drawn_by, file_name

pytestmark = pytest.mark.timeout(300)

_SMOOTHING = 0.01
"""Share of pixels in which another version of Chromium may differ visibly."""


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("mode", MODES)
def test_the_committed_picture_is_what_is_drawn(board: str, mode: str) -> None:
    """To the byte where the same Chromium draws it, and all but smoothing elsewhere; `make dashboard-pictures`."""
    committed = (IMAGES / file_name(board, mode)).read_bytes()
    drawing = draw(board, mode)
    assert drawing.cut == [], "columns, headers or words that do not fit"
    if drawn_by(drawing.png) == drawn_by(committed):
        assert drawing.png == committed, "run `make dashboard-pictures` and look at what has changed"
    else:
        assert _difference(drawing.png, committed) < _SMOOTHING


def _difference(one: bytes, other: bytes) -> float:
    """The share of pixels that differ by more than a shade."""
    a, b = (Image.open(io.BytesIO(png)).convert("L") for png in (one, other))
    if a.size != b.size:
        return 1
    histogram = ImageChops.difference(a, b).histogram()
    return sum(histogram[64:]) / (a.width * a.height)


def test_a_different_picture_is_told_from_smoothing() -> None:
    """The comparison can fail: another dashboard's picture is another picture."""
    fleet, light = ((IMAGES / file_name("fleet", mode)).read_bytes() for mode in MODES)
    assert _difference(fleet, light) > _SMOOTHING
    assert _difference(fleet, fleet) == 0
