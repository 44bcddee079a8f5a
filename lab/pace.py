"""How the lab's time relates to AWS's: one second here is one minute there.

AWS allows no lifetime below 900 s, and nobody waits so long for a rekey. So a lifetime of 3,600 s is 60 s here, and
what the lab reports to the outside carries the time that it would have had at AWS: a tunnel that falls seven seconds
after a refused rekey fell seven minutes after it. The order of events is not touched.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

PACE = 60
"""Seconds at AWS that one second of the lab stands for."""


def scaled(seconds: float, pace: int) -> int:
    """A duration of AWS's or of the device in the lab's seconds: at least one, as the daemons know whole seconds only.

    Zero, which means "never" to strongSwan, stays zero.
    """
    return max(1, round(seconds / pace)) if seconds else 0


@dataclass(frozen=True)
class Clock:
    """Gives AWS's time, in seconds since the epoch. With `pace` 1 it is simply the time."""

    pace: int = PACE
    real: Callable[[], float] = time.time
    start: float = field(default_factory=time.time)

    def at(self, real: float) -> float:
        """AWS's time at a moment of the machine's clock."""
        return self.start + (real - self.start) * self.pace

    def now(self) -> float:
        """AWS's time now."""
        return self.at(self.real())

    def real_at(self, moment: float) -> float:
        """The machine's time at a moment of AWS's."""
        return self.start + (moment - self.start) / self.pace

    def period(self, real: float, seconds: int) -> int:
        """The begin, in AWS's time, of the period of so many seconds in which a moment of the machine's clock lies."""
        return math.floor(self.at(real) / seconds) * seconds
