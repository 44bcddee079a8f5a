"""Which calls fail now, and how."""

import threading
from dataclasses import dataclass, field

from ..backend import FaultScript
from ..faults import FAULT_NAMES, FaultName


@dataclass(frozen=True)
class ActiveFault:
    """A fault that a call meets. `seconds` is how long "slow" takes; `ended` is set when the fault has been ended."""

    name: FaultName
    seconds: float = 0.0
    ended: threading.Event = field(default_factory=threading.Event)


class ActiveFaults:
    """The faults that were set by hand, and the script that decides for all other calls. Safe for threads."""

    def __init__(self, script: FaultScript) -> None:
        self._script = script
        self._lock = threading.Lock()
        self._faults: dict[tuple[str, str | None], ActiveFault] = {}

    def start(self, operation: str, name: FaultName, region: str | None, seconds: float) -> None:
        """Start a fault for one operation, in one region or, with None, in all; it replaces an earlier one."""
        if name not in FAULT_NAMES:
            raise ValueError(f"{name!r} is not one of the faults {', '.join(FAULT_NAMES)}")
        with self._lock:
            earlier = self._faults.get((operation, region))
            self._faults[operation, region] = ActiveFault(name, seconds)
        if earlier is not None:
            earlier.ended.set()

    def end(self, operation: str | None, region: str | None) -> None:
        """End the faults of one operation or, with None, of all; with a region, only those that were set for it."""
        with self._lock:
            keys = [key for key in self._faults if operation in (None, key[0]) and region in (None, key[1])]
            ended = [self._faults.pop(key) for key in keys]
        for fault in ended:
            fault.ended.set()

    def find(self, operation: str, region: str) -> ActiveFault | None:
        """Find the fault for a call: the one set for its region, else for all regions, else the script's."""
        with self._lock:
            fault = self._faults.get((operation, region)) or self._faults.get((operation, None))
        if fault is not None:
            return fault
        name = self._script(operation, region)
        return None if name is None else ActiveFault(name)
