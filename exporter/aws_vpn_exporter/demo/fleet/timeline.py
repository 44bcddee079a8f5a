"""Values that change over time. All times are in seconds from the start of the scenario; earlier ones are negative."""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Generic, TypeVar

SECOND = 1.0
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LONG_AGO = -12 * DAY

T = TypeVar("T")


@dataclass(frozen=True)
class Timeline(Generic[T]):
    """A value for each moment.

    `steps` are pairs of a time and the value that holds from then on, in the order of time. With a `period`, in
    seconds, the steps lie within the first period and are repeated in each period before and after it.
    """

    steps: tuple[tuple[float, T], ...]
    period: float | None = None

    def at(self, moment: float) -> tuple[T, float]:
        """Return the value that holds at a moment, and the time from which it has held.

        Before the first step of a timeline without a period, that is the first step.
        """
        period_start = 0.0 if self.period is None else moment // self.period * self.period
        index = bisect_right([time for time, _ in self.steps], moment - period_start) - 1
        if index < 0 and self.period is not None:
            period_start -= self.period  # the last step of the previous period still holds
        time, value = self.steps[index if index >= 0 or self.period is not None else 0]
        return value, period_start + time


def always(value: T, since: float = LONG_AGO) -> Timeline[T]:
    """Make a timeline on which the value never changes."""
    return Timeline(((since, value),))
