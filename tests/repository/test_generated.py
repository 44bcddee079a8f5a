"""Every generated file is current, and `make generate` runs every generator."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from testbed.programs import REPOSITORY, MissingProgramError

MAKEFILE = (REPOSITORY / "Makefile").read_text()
GENERATORS = re.findall(r"^GENERATORS := (.+)$", MAKEFILE, re.MULTILINE)[0].split()


def module(file: Path) -> str:
    return ".".join(file.relative_to(REPOSITORY).with_suffix("").parts)


@pytest.mark.parametrize("generator", GENERATORS)
def test_generated_files_are_current(generator: str) -> None:
    done = subprocess.run([sys.executable, "-m", generator, "--check"], cwd=REPOSITORY, capture_output=True, text=True)
    if MissingProgramError.__name__ in done.stderr:
        raise MissingProgramError(done.stderr.splitlines()[-1].partition(": ")[2])
    assert (done.returncode, done.stderr) == (0, "")


def test_make_generate_runs_every_generator() -> None:
    programs = [file for folder in ("tools", "grafana") for file in (REPOSITORY / folder).rglob("*.py")]
    writing = {
        module(file)
        for file in programs
        if '__name__ == "__main__"' in (text := file.read_text())
        and re.search(r"\"--check\"|add_check|from tools\.generated import .*main", text)
    }
    assert writing == set(GENERATORS)


def test_every_page_that_says_it_is_written_names_a_command_that_writes_it() -> None:
    marked = {
        page: found[1]
        for page in REPOSITORY.glob("docs/*.md")
        if (found := re.search(r"<!-- Written by (?:`make )?([\w/.]+)", page.read_text()))
    }
    assert len(marked) >= 4
    for page, writer in marked.items():
        if writer not in ("benchmark", "lab"):  # make targets of their own: what they measure takes minutes
            assert module(REPOSITORY / writer) in GENERATORS, page


def test_make_golden_runs_every_test_that_rewrites_its_files() -> None:
    recipe = re.search(r"^golden:.*\n\t(.+)$", MAKEFILE, re.MULTILINE)
    assert recipe
    rewriting = {
        str(file.relative_to(REPOSITORY))
        for file in (REPOSITORY / "tests").rglob("test_*.py")
        if 'getoption("--rewrite")' in file.read_text() and file != Path(__file__)
    }
    assert rewriting == set(re.findall(r"tests/\S+\.py", recipe[1]))
