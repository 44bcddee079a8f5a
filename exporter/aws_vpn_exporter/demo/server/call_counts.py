"""How many calls have come in."""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator, Mapping


class CallCounts:
    """Counts by operation and region. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._total: Counter[tuple[str, str]] = Counter()
        self._running: Counter[tuple[str, str]] = Counter()
        self._peak: Counter[tuple[str, str]] = Counter()

    @contextlib.contextmanager
    def count(self, operation: str, region: str) -> Iterator[None]:
        """Count one call, which is running until the block ends."""
        key = (operation, region)
        with self._lock:
            self._total[key] += 1
            self._running[key] += 1
            self._peak[key] = max(self._peak[key], self._running[key])
        try:
            yield
        finally:
            with self._lock:
                self._running[key] -= 1

    @property
    def total(self) -> Mapping[tuple[str, str], int]:
        """All calls so far."""
        with self._lock:
            return Counter(self._total)

    @property
    def peak(self) -> Mapping[tuple[str, str], int]:
        """The largest number of calls that were running at the same time."""
        with self._lock:
            return Counter(self._peak)
