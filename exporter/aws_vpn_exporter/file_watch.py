"""Notices that a file has changed, by what is in it.

Kubernetes exchanges a whole folder of links when a mounted ConfigMap or Secret changes; neither the file's own times
nor its number tell of that.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path


class FileWatch:
    """What a file held when this was made, or when it was last found to have changed."""

    def __init__(self, path: Path) -> None:
        """To be made before the file is read for use, so that no change in between is missed."""
        self._path = path
        self._content = self._read()

    def start(self, interval: float, changed: Callable[[], object]) -> None:
        """Looks every `interval` seconds, in a daemon thread, and calls `changed` where the file is another.

        A file that cannot be read is another, too: `changed` will find out, and say, what is wrong with it.
        """
        threading.Thread(target=self._keep_looking, args=(interval, changed), name="file-watch", daemon=True).start()

    def _keep_looking(self, interval: float, changed: Callable[[], object]) -> None:
        while True:
            time.sleep(interval)
            content = self._read()
            if content != self._content:
                self._content = content
                changed()

    def _read(self) -> bytes | None:
        try:
            return hashlib.sha256(self._path.read_bytes()).digest()
        except OSError:
            return None
