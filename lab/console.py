"""The lab's commands, for a person at a terminal."""

import cmd
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab import watchers
from lab.faults import FAULTS, Fault, Stage
from lab.internet import BLOCKS
from lab.namespaces import LabError
from lab.network import NUMBERS, TUNNELS


class Console(cmd.Cmd):
    """One line, one command; a command that fails says why and the lab goes on."""

    prompt = "lab> "

    def __init__(self, stage: Stage, fault: Fault | None) -> None:
        super().__init__()
        self._stage = stage
        self._lab = stage.lab
        self._fault = fault
        if not sys.stdin.isatty():
            self.use_rawinput, self.prompt = False, ""

    def onecmd(self, line: str) -> bool:
        """Run one command; True ends the lab."""
        try:
            return bool(super().onecmd(line))
        except (LabError, ValueError, OSError, subprocess.SubprocessError) as error:
            print(error)
            return False

    def emptyline(self) -> bool:
        """Do nothing."""
        return False

    def do_status(self, _: str) -> None:
        """What AWS says of both tunnels, and what is behind it."""
        described: Any = self._stage.cloud.fleet.connection()
        print(f"{described['VpnConnectionId']}: {described['State']}")
        for number, one in zip(NUMBERS, described["VgwTelemetry"], strict=True):
            known = self._lab.associations[number].status
            phases = f"phase 1 {_up(known.ike)}, phase 2 {_up(known.child)}, {known.rekeys} rekeys"
            since = f"{one['LastStatusChange']:%H:%M:%S}"
            print(
                f"  {number}  {one['OutsideIpAddress']}  {one['Status']:4}  since {since}  {phases}  "
                f"{one['StatusMessage']}"
            )

    def do_cut(self, line: str) -> None:
        """`cut [1|2]`: cut the line of a tunnel, or of the whole site."""
        self._lab.internet.cut(*_numbers(line))

    def do_block(self, line: str) -> None:
        """`block WHAT [1|2]`: let certain packets no longer through; without WHAT, what there is to block."""
        what, _, rest = line.partition(" ")
        if what not in BLOCKS:
            print(", ".join(BLOCKS))
            return
        self._lab.internet.block(what, *_numbers(rest))

    def do_delay(self, line: str) -> None:
        """`delay SECONDS [LOSS]`: let every packet take so long one way, and lose this share of them (0 to 1)."""
        seconds, _, loss = line.partition(" ")
        self._lab.internet.delay(float(seconds), float(loss or 0))

    def do_restore(self, _: str) -> None:
        """Let everything through again, at once."""
        self._lab.internet.clear()

    def do_faults(self, _: str) -> None:
        """The faults that `make lab FAULT=NAME` builds the lab for."""
        for fault in FAULTS.values():
            print(f"{fault.name}: {fault.words}")

    def do_begin(self, _: str) -> None:
        """Bring about the fault that the lab was built for."""
        self._with_fault(lambda fault: fault.act(self._stage))

    def do_mend(self, _: str) -> None:
        """Apply the remedy of the fault that the lab was built for."""
        self._with_fault(self._mend)

    def do_ping(self, line: str) -> None:
        """`ping [HOST]`: one ping from the site."""
        print("answered" if self._lab.ping(*line.split()) else "no answer")

    def do_keepalive(self, _: str) -> None:
        """Ping through each tunnel from now on, by the blackbox exporter."""
        self._lab.keep_alive()

    def do_log(self, line: str) -> None:
        """`log [1|2]`: what AWS has logged of a tunnel, the last 20 lines."""
        [number] = _numbers(line or "1")
        for record in self._stage.records(number)[-20:]:
            print(f"{time.strftime('%H:%M:%S', time.localtime(record.moment))}  {record.detail}")

    def do_device(self, _: str) -> None:
        """The device's swanctl.conf, without the keys."""
        text = self._lab.device_text()
        for key in {one.key for one in self._lab.device.values()}:
            text = text.replace(key, "...")
        print(text)

    def do_reboot(self, line: str) -> None:
        """`reboot [1|2]`: cut the device's power, of one tunnel or both, and switch it on again."""
        for number in _numbers(line) or NUMBERS:
            self._lab.end(("site", number))
        for number in _numbers(line) or NUMBERS:
            self._lab.start(("site", number))

    def do_rekey(self, line: str) -> None:
        """`rekey [1|2]`: let the device renew the keys of a tunnel now."""
        for number in _numbers(line) or NUMBERS:
            self._lab.charons["site", number].rekey(f"child{number}")

    def do_diagnose(self, _: str) -> None:
        """What `aws-vpn-exporter diagnose` says now."""
        with tempfile.TemporaryDirectory(prefix="vpn-lab-") as folder:
            (Path(folder) / "exporter.yaml").write_text(watchers.CONFIG + watchers.DEVICE)
            (Path(folder) / "swanctl.conf").write_text(self._lab.device_text())
            done = self._stage.cloud.exporter("diagnose", f"--config.file={folder}/exporter.yaml")
        print(done.stdout or done.stderr)

    def do_aws(self, line: str) -> None:
        """`aws ...`: a command of the AWS CLI, such as one that `diagnose` prints."""
        print(self._stage.cloud.run(f"aws {line}"))

    def do_in(self, line: str) -> None:
        """`in PLACE COMMAND`: run a program in inet, aws1, aws2, vgw, vpc, site1, site2, cgw or lan."""
        place, *command = shlex.split(line)
        print(self._lab.namespaces.run(place, *command, check=False))

    def do_quit(self, _: str) -> bool:
        """End everything."""
        return True

    do_EOF = do_quit  # noqa: N815 - what cmd.Cmd calls at the end of the input

    def _with_fault(self, act: Callable[[Fault], object]) -> None:
        if self._fault is None:
            raise ValueError("the lab was not built for a fault: use `make lab FAULT=NAME`")
        act(self._fault)

    def _mend(self, fault: Fault) -> None:
        if fault.remedy is None:
            raise ValueError("nothing is to be mended: the tunnel is up")
        print(fault.remedy.words)
        fault.remedy.done(self._stage)


def _numbers(line: str) -> tuple[int, ...]:
    """The tunnels that a line names. Raises ValueError."""
    named = tuple(int(word) for word in line.split())
    if not set(named) <= set(TUNNELS):
        raise ValueError("there are the tunnels 1 and 2")
    return named


def _up(there: bool) -> str:
    return "up" if there else "down"
