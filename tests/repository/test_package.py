"""What is published: the source archive and the wheel are whole, and `bundle` writes out what the wheel brings."""

import email
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from pathlib import Path

import pytest

from testbed.exporter_process import run
from testbed.programs import REPOSITORY, find

PROJECT = "https://github.com/aws-vpn-exporter/aws-vpn-exporter"
VERSIONED = re.compile(
    r"https://(?:github|raw\.githubusercontent)\.com/aws-vpn-exporter/aws-vpn-exporter(?:/blob)?/v[^/]+/"
)
LINK = re.compile(r"\]\(([^)#\s]+)")


def build(folder: Path, target: str, out: Path) -> Path:
    """What hatchling makes of the folder."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(out)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (built,) = out.iterdir()
    return built


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked source archive."""
    folder = tmp_path_factory.mktemp("source")
    with tarfile.open(build(REPOSITORY, "sdist", folder / "dist")) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.glob("aws_vpn_exporter-*"))


@pytest.fixture(scope="module")
def installed(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked wheel, which was made from the source archive."""
    folder = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(build(source, "wheel", folder / "dist")) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def bundle(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the wheel's own `bundle` writes."""
    folder = tmp_path_factory.mktemp("bundle") / "new" / "folder"
    command = [sys.executable, "-m", "aws_vpn_exporter", "bundle", f"--out={folder}"]
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(command, env=environment, cwd=folder.anchor, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"files of aws-vpn-exporter {metadata(installed)['Version']} are in {folder}" in done.stdout
    return folder


def metadata(installed: Path) -> Message:
    return email.message_from_string(next(installed.glob("*.dist-info/METADATA")).read_text())


def files(folder: Path) -> dict[str, str]:
    return {file.relative_to(folder).as_posix(): file.read_text() for file in folder.rglob("*") if file.is_file()}


def test_the_source_archive_has_every_file_of_the_repository(source: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "--cached"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    tracked = {name for name in listed.stdout.splitlines() if (REPOSITORY / name).exists()}
    there = {file.relative_to(source).as_posix() for file in source.rglob("*") if file.is_file()}
    assert tracked - there == set()
    assert not any(name.startswith((".cache/", ".venv/", "dist/")) for name in there)


def test_the_wheel_brings_what_a_checkout_would_write(bundle: Path, tmp_path: Path) -> None:
    assert run("bundle", f"--out={tmp_path}").returncode == 0
    assert files(bundle) == files(tmp_path)
    for dashboard in (REPOSITORY / "grafana").glob("*.json"):
        assert (bundle / "grafana" / dashboard.name).read_bytes() == dashboard.read_bytes()
    runbooks = {page.name for page in (REPOSITORY / "docs" / "runbooks").glob("*.md")}
    assert {page.name for page in (bundle / "docs" / "runbooks").iterdir()} == runbooks


def test_prometheus_and_alertmanager_take_what_is_written(bundle: Path) -> None:
    rules, routes = bundle / "alerts" / "aws-vpn.rules.yaml", bundle / "alerts" / "alertmanager" / "alertmanager.yaml"
    for command in (("promtool", "check", "rules", rules), ("amtool", "check-config", routes)):
        checked = subprocess.run([find(command[0]), *command[1:]], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_links_lead_to_what_is_written_or_to_the_page_of_this_version(bundle: Path) -> None:
    pages = [page for page in bundle.rglob("*.md") if page.is_file()]
    assert len(pages) > 30
    for page in pages:
        for link in LINK.findall(page.read_text()):
            if VERSIONED.match(link):
                assert (REPOSITORY / VERSIONED.sub("", link)).exists(), f"{page}: {link}"
            elif "://" not in link:
                assert (page.parent / link).exists(), f"{page}: {link}"


def test_an_index_can_show_the_readme(installed: Path) -> None:
    read = metadata(installed)
    links = LINK.findall(str(read.get_payload()))
    assert sum(link.endswith(".png") for link in links) >= 5
    for link in links:
        assert link.startswith("https://"), link
        assert not VERSIONED.match(link) or (REPOSITORY / VERSIONED.sub("", link)).exists(), link
    assert read["Description-Content-Type"] == "text/markdown"
    urls = dict(value.split(", ", 1) for value in read.get_all("Project-URL") or ())
    assert {"Homepage", "Documentation", "Source", "Issues", "Changelog"} == set(urls)
    assert all(url.startswith(PROJECT) for url in urls.values())


def test_files_that_say_something_else_are_replaced_only_when_asked(tmp_path: Path) -> None:
    assert run("bundle", f"--out={tmp_path}").returncode == 0
    rules = tmp_path / "alerts" / "aws-vpn.rules.yaml"
    rules.write_text("groups: []\n")
    again = run("bundle", f"--out={tmp_path}")
    assert again.returncode == 1
    assert f"{rules} is there and says something else" in again.stderr
    assert "--overwrite" in again.stderr
    assert rules.read_text() == "groups: []\n"
    assert run("bundle", f"--out={tmp_path}", "--overwrite").returncode == 0
    assert rules.read_text() == (REPOSITORY / "alerts" / "aws-vpn.rules.yaml").read_text()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = run("bundle", f"--out={tmp_path / 'file'}")
    assert refused.returncode == 1
    assert refused.stderr.startswith("aws-vpn-exporter: cannot write")
    assert str(tmp_path / "file") in refused.stderr
