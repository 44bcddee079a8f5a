"""What a device does beside IKE: it brings its tunnels up, always, when there is something to send, or never."""

import contextlib
import re
import threading
from collections.abc import Mapping
from typing import Literal

from lab.charon import Charon
from lab.namespaces import Namespaces
from lab.network import ROUTER, TUNNELS
from lab.options import child

Initiates = Literal["always", "on traffic", "never"]

_INTERVAL = 0.25
_PAUSE = 4
"""Intervals between two tries: charon gives up after a refusal, a device goes on."""


class Agent:
    """Runs in a thread of its own until it is closed."""

    def __init__(self, namespaces: Namespaces, daemons: Mapping[int, Charon], initiates: Initiates) -> None:
        self.initiates: Initiates = initiates
        self._namespaces = namespaces
        self._daemons = daemons
        self._closed = threading.Event()
        self._pause = dict.fromkeys(daemons, 0)
        self._sent = dict.fromkeys(daemons, 0)
        self._thread = threading.Thread(target=self._go_on, name="agent", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Leave the tunnels as they are."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def _go_on(self) -> None:
        while True:
            self._look()
            if self._closed.wait(_INTERVAL):
                return

    def _look(self) -> None:
        wanted = set(TUNNELS) if self.initiates == "always" else set()
        if self.initiates == "on traffic":
            wanted = self._with_traffic()
        for number, daemon in self._daemons.items():
            self._pause[number] = max(0, self._pause[number] - 1)
            if number in wanted and daemon.runs and not self._pause[number] and _idle(daemon):
                self._pause[number] = _PAUSE
                self._initiate(number, daemon)

    @staticmethod
    def _initiate(number: int, daemon: Charon) -> None:
        with contextlib.suppress(OSError):  # it has just ended
            daemon.initiate(child(TUNNELS[number]))

    def _with_traffic(self) -> set[int]:
        """The tunnels into whose device something was sent since the last look."""
        counters = self._namespaces.run(ROUTER["site"], "cat", "/proc/net/dev")
        found = set()
        for number, tunnel in TUNNELS.items():
            line = re.search(rf"^\s*{tunnel.device}:(.*)$", counters, re.MULTILINE)
            sent = int(line[1].split()[9]) if line else 0
            if sent > self._sent[number]:
                found.add(number)
            self._sent[number] = sent
        return found


def _idle(daemon: Charon) -> bool:
    """Whether there is neither a child SA nor a negotiation that may lead to one."""
    known = daemon.associations()
    return not any(one["state"] == "CONNECTING" or one.get("child-sas") for one in known)
