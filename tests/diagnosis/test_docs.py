"""The page in the docs is what the code does."""

from tools.diagnosis_table import FILE, page


def test_the_page_is_current() -> None:
    assert FILE.read_text() == page()
