"""What is written about the lab is so."""

import re

from lab import console, keepalive, namespaces, table
from lab.faults import FAULTS
from lab.network import ROUTER, SITE, SITE_HOST, TUNNELS, VPC_HOSTS
from testbed.programs import REPOSITORY

GUIDE = (REPOSITORY / "docs" / "LAB.md").read_text()
PICTURE = (REPOSITORY / "docs" / "images" / "lab.svg").read_text()
CI = (REPOSITORY / ".ci" / "run").read_text()


def test_the_picture_shows_every_place_and_address() -> None:
    places = {
        "vpc",
        "lan",
        "inet",
        *ROUTER.values(),
        *(tunnel.end(side) for tunnel in TUNNELS.values() for side in ROUTER),
    }
    addresses = {SITE, SITE_HOST, *VPC_HOSTS, *(tunnel.outside for tunnel in TUNNELS.values())}
    shown = set(re.findall(r">([^<>]+)</text>", PICTURE))
    assert places | addresses <= shown


def test_the_guide_and_ci_install_what_the_lab_needs() -> None:
    [command] = re.findall(
        r"^sudo apt-get install --no-install-recommends (.*?)\n```$", GUIDE, re.MULTILINE | re.DOTALL
    )
    installed = set(command.replace("\\\n", " ").split())
    assert installed == namespaces.PACKAGES - {"util-linux"}  # which is on every Debian
    assert all(re.search(rf"\b{package}\b", CI) for package in namespaces.PACKAGES)


def test_the_guides_commands_and_faults_exist() -> None:
    named = re.findall(r"make lab FAULT=([a-z0-9-]+)`", GUIDE)
    assert named
    assert set(named) <= set(FAULTS)
    commands = {name.removeprefix("do_") for name in dir(console.Console) if name.startswith("do_")}
    typed = re.findall(r"^\| `(\w+)[^`]*` \|", GUIDE, re.MULTILINE)
    assert len(typed) >= 5
    assert set(typed) <= commands


def test_every_fault_has_its_row_and_its_paragraph() -> None:
    page = table.PAGE.read_text()
    assert list(table.rows(page)) == list(FAULTS)
    for fault in FAULTS.values():
        assert f"## {fault.name}\n\n{fault.words}\n" in page
        assert fault.remedy is None or f"What was done: {fault.remedy.words}" in page


def test_the_keepalive_of_the_lab_is_the_one_that_is_shipped() -> None:
    assert keepalive.MODULES == REPOSITORY / "alerts" / "keepalive" / "blackbox.yml"
    assert keepalive.MODULES.exists()
