"""CPU time of a function in this process."""

import time
from collections.abc import Callable


def milliseconds(case: Callable[[], object], rounds: int) -> float:
    """The median over so many rounds, after one that does not count."""
    case()
    figures = []
    for _ in range(rounds):
        started = time.process_time()
        case()
        figures.append((time.process_time() - started) * 1000)
    return sorted(figures)[rounds // 2]
