"""What an IKE daemon reports of itself, as it happens: vici's events, and the end of the daemon."""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

from lab.charon import Charon, Message, text

EVENTS = ("ike-updown", "child-updown", "ike-rekey", "child-rekey")
GONE = "gone"
"""The event that the daemon has ended; vici has no word for it."""

Hear = Callable[[str, Message], None]
"""Called with an event and what came with it."""

_LOOK_AGAIN = 0.02


class Watch:
    """Listens to a daemon in a thread of its own, over restarts, until it is closed."""

    def __init__(self, charon: Charon, hear: Hear) -> None:
        self._charon = charon
        self._hear = hear
        self._listening = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name=f"watch-{charon.name}", daemon=True)
        self._thread.start()

    def ready(self) -> None:
        """Return once it listens to a daemon that has been started: what happens from now on is heard."""
        self._listening.wait(10)

    def gone(self) -> None:
        """Return once it has noticed that the daemon has ended."""
        end = time.monotonic() + 10
        while self._listening.is_set() and time.monotonic() < end:
            time.sleep(_LOOK_AGAIN)

    def close(self) -> None:
        """Stop listening."""
        self._closed.set()
        self._thread.join(10)

    def _go_on(self) -> None:
        while not self._closed.wait(_LOOK_AGAIN):
            with contextlib.suppress(OSError), self._charon.session() as session:  # it may not run, or end
                self._listen(session)
            if self._listening.is_set():
                self._listening.clear()
                self._hear(GONE, {})

    def _listen(self, session: Any) -> None:
        for event, message in session.listen(EVENTS, timeout=_LOOK_AGAIN):
            self._listening.set()
            if self._closed.is_set():
                return
            if event is not None:
                self._hear(text(event), text(message))
