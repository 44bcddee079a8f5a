"""Writes generated files, or says which of them are not current: what every generator here ends with."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def add_check(parser: argparse.ArgumentParser) -> None:
    """The flag `--check`, which every generator has."""
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file is not current")


def write_or_check(files: Mapping[Path, str], check: bool) -> int:
    """Write each file's text, or with `check` name the files with another one on stderr; the exit code."""
    outdated = {path: text for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text}
    for path, text in outdated.items():
        if check:
            name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
            print(f"{name} is not current: run `make generate`", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    return 1 if check and outdated else 0


def write_figures(page: Path, name: str, figures: str) -> None:
    """Put measured figures into a page, between the marks of this name."""
    begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->\n"
    before, found, rest = page.read_text("utf-8").partition(begin)
    if not found or end not in rest:
        raise ValueError(f"{page} has no marks for {name}")
    page.write_text(f"{before}{begin}\n{figures}\n{end}{rest.partition(end)[2]}", "utf-8")


def main(about: str, files: Mapping[Path, str]) -> int:
    """The command line of a generator without options of its own; the exit code."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_check(parser)
    return write_or_check(files, parser.parse_args().check)
