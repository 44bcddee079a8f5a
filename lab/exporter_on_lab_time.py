"""The exporter's commands, in a process whose clock runs as AWS's does over the lab.

    LAB_CLOCK='START PACE' python -m lab.exporter_on_lab_time diagnose ...

Nothing of the exporter is changed: only `time.time` says what the lab's clock says, before anything is imported.
"""

import os
import runpy
import sys
import time
from collections.abc import Mapping
from functools import partial

from lab.pace import Clock

COMMAND = (sys.executable, "-m", __name__ if __name__ != "__main__" else "lab.exporter_on_lab_time")
_VARIABLE = "LAB_CLOCK"


def settings(clock: Clock) -> Mapping[str, str]:
    """The environment variable that hands the clock to the process."""
    return {_VARIABLE: f"{clock.start!r} {clock.pace}"}


def main() -> None:
    start, pace = os.environ[_VARIABLE].split()
    clock = Clock(int(pace), time.time, float(start))
    time.time = partial(Clock.now, clock)
    sys.argv[0] = "aws-vpn-exporter"
    runpy.run_module("aws_vpn_exporter", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
