"""The lab itself: real tunnels come up, carry packets, and go without a trace; several stand side by side."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import namespaces
from lab.associations import IN, OUT
from lab.laboratory import Lab, Plan
from lab.network import NUMBERS, ROUTER, SITE_HOST, TUNNELS, VPC_HOSTS
from lab.options import child
from testbed.programs import REPOSITORY
from tests.support.real_programs import missing

Make = Callable[[Plan], Lab]

_HOLDS_A_LAB = """
import sys, time
from lab.laboratory import Lab
with Lab() as lab:
    lab.until_up()
    print(lab.namespaces.pid, flush=True)
    time.sleep(60)
"""


def until(true: Callable[[], object], what: str, within: float = 20) -> None:
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, f"not within {within} s: {what}"
        time.sleep(0.05)


def test_both_tunnels_carry_packets_and_routes_in_both_directions(labs: Make) -> None:
    lab = labs(Plan())
    lab.until_up()
    lab.until(lambda: all(one.routes == 1 for one in lab.birds["aws"].sessions().values()), "a route over each")
    lab.until(lambda: lab.ping(VPC_HOSTS[0]), "the VPC answers the site")
    assert lab.ping(SITE_HOST, "vpc")


@pytest.mark.parametrize("nat", [False, True], ids=["public", "behind-nat"])
def test_static_tunnels_carry_packets_each_on_its_own(labs: Make, nat: bool) -> None:
    lab = labs(Plan(routing="static", nat=nat))
    lab.until_up()
    assert all(lab.ping(host) for host in VPC_HOSTS)
    lab.internet.cut(1)
    assert not lab.ping(VPC_HOSTS[0])
    lab.until(lambda: not lab.carries(1), "the cut is noticed")
    lab.until(lambda: all(lab.ping(host) for host in VPC_HOSTS), "tunnel 2 takes over")
    lab.internet.clear()
    lab.until_up()


def test_a_slow_line_is_slow_and_a_lossy_one_loses(labs: Make) -> None:
    lab = labs(Plan(routing="static"))
    lab.until_up()
    lab.internet.delay(0.05)
    answer = lab.namespaces.run("lan", "ping", "-n", "-c1", "-W3", VPC_HOSTS[0])
    assert float(answer.partition("time=")[2].split()[0]) >= 100
    lab.internet.delay(0.0, loss=1.0)
    assert not lab.ping()
    lab.internet.clear()
    lab.until(lab.ping, "the line is well again")


def test_bytes_are_added_up_over_rekeys_to_what_the_tunnel_really_carried(labs: Make) -> None:
    lab = labs(Plan(routing="static"))
    lab.until_up()
    device = TUNNELS[1].device

    def carried() -> dict[str, int]:
        line = lab.namespaces.run(ROUTER["aws"], "sh", "-c", f"grep {device}: /proc/net/dev").split(":")[1].split()
        return {IN: int(line[0]), OUT: int(line[8])}

    def counted() -> dict[str, int]:
        return {direction: lab.associations[1].bytes(direction, 0, time.time()) for direction in (IN, OUT)}

    for rekeys in range(1, 4):
        lab.namespaces.run("lan", "ping", "-n", "-c5", "-i0.2", VPC_HOSTS[0])
        lab.until(lambda: counted() == carried(), f"the same bytes: counted {counted()}, carried {carried()}")
        lab.charons["aws" if rekeys % 2 else "site", 1].rekey(child(TUNNELS[1]))
        lab.until(lambda: lab.associations[1].status.rekeys >= rekeys, "a rekey")  # noqa: B023
    assert counted() == {IN: 15 * 84, OUT: 15 * 84}


def test_labs_stand_side_by_side_and_do_not_notice_one_another(labs: Make) -> None:
    first, second = labs(Plan()), labs(Plan())
    first.until_up()
    second.until_up()
    first.internet.cut()
    first.until(lambda: not any(map(first.carries, NUMBERS)), "the first has lost its tunnels")
    assert all(map(second.carries, NUMBERS))
    assert second.ping()


@pytest.mark.usefixtures("possible")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_behind_however_it_ends(tmp_path: Path, number: signal.Signals) -> None:
    links = subprocess.run(["ip", "link"], capture_output=True, text=True, check=True).stdout
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDS_A_LAB],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout
    with process.stdout:
        first = int(process.stdout.readline())
        members = _members(first)
        assert len(members) >= 6, "four IKE daemons and two of BGP"
        process.send_signal(number)
        process.wait(20)
    until(lambda: not any(Path(f"/proc/{member}").exists() for member in members), "every process has ended")
    assert not list(tmp_path.iterdir())
    assert subprocess.run(["ip", "link"], capture_output=True, text=True, check=True).stdout == links


def _members(first: int) -> set[int]:
    """The processes that share the mounts of the lab's first one, or are its descendants."""
    found, waiting = set(), [first]
    while waiting:
        one = waiting.pop()
        found.add(one)
        waiting += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
    return found


@pytest.mark.usefixtures("possible")
def test_it_needs_no_rights_over_the_machine() -> None:
    unprivileged = ["unshare", "--user", "--map-root-user"]
    tried = subprocess.run([*unprivileged, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        missing(f"this machine lets nobody have a user namespace: {tried.stderr.strip()}")
    command = [*unprivileged, sys.executable, "-c", _HOLDS_A_LAB]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as held:
        assert held.stdout
        said = held.stdout.readline()
        held.terminate()
    assert said.strip().isdecimal()


def test_where_it_cannot_run_it_says_so_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program, path=None: None)
    monkeypatch.setattr(namespaces, "CHARON", Path("/nowhere/charon"))
    reason = namespaces.obstacle()
    assert reason.startswith("the lab needs the Debian packages bird2 ")
    assert "strongswan-charon" in reason
    assert "libcharon-extra-plugins" in reason
    with pytest.raises(namespaces.LabError, match="Debian packages"), Lab():
        pass
