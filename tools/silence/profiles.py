"""What a connection carries while all is well: bytes per second from the site and to it, hour by hour."""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Rates = tuple[float, float]
"""Bytes per second that AWS receives from the site, and that it sends there."""

Demand = Callable[[float], Rates]
"""The rates at a moment: hours since the first Monday, 00:00."""

WEEK = 168.0


@dataclass(frozen=True)
class Profile:
    """A kind of site. `carries` says whether a silence could be seen at that hour, given a demand of 1 at best."""

    share: float
    """Of all connections."""
    make: Callable[[random.Random], Demand]
    noise: float = 0.25
    """How much five-minute averages scatter: the standard deviation of their logarithm."""


def _scale(dice: random.Random, low: float, high: float) -> float:
    """A size between two, each order of magnitude as likely as the next."""
    return math.exp(dice.uniform(math.log(low), math.log(high)))


def _working(hour: float, opens: float, closes: float) -> float:
    """0 outside of working hours, 1 within, with an hour's slope at both ends."""
    return max(0.0, min(1.0, hour - opens + 0.5, closes + 0.5 - hour))


def office(dice: random.Random) -> Demand:
    """Busy on weekdays, some life at night and on weekends."""
    peak, night = _scale(dice, 2e4, 2e6), dice.uniform(0.03, 0.2)
    weekend, back = dice.uniform(0.05, 0.4), dice.uniform(0.2, 3)
    opens, closes = dice.uniform(6, 9), dice.uniform(16, 20)

    def demand(hours: float) -> Rates:
        day, hour = divmod(hours % WEEK, 24)
        level = night + (1 - night) * _working(hour, opens, closes) * (weekend if day >= 5 else 1)
        return peak * level, peak * back * level

    return demand


def dark_office(dice: random.Random) -> Demand:
    """Busy on weekdays; at night and on weekends everything is switched off."""
    peak, back = _scale(dice, 2e4, 1e6), dice.uniform(0.2, 3)
    opens, closes = dice.uniform(6, 9), dice.uniform(16, 20)
    friday = closes - dice.choice((0, 0, 0, 2.5))

    def demand(hours: float) -> Rates:
        day, hour = divmod(hours % WEEK, 24)
        level = _working(hour, opens, friday if int(day) == 4 else closes) if day < 5 else 0.0
        return peak * level, peak * back * level

    return demand


def always_on(dice: random.Random) -> Demand:
    """Machines that talk day and night."""
    base, swing, back = _scale(dice, 2e3, 5e6), dice.uniform(0.0, 0.6), dice.uniform(0.3, 2)

    def demand(hours: float) -> Rates:
        level = base * (1 + swing * math.sin((hours - 9) * math.pi / 12))
        return level, level * back

    return demand


def camera(dice: random.Random) -> Demand:
    """Pictures to AWS, little the other way; asleep from one to four in the morning."""
    level, back = _scale(dice, 3e4, 1e6), dice.uniform(0.01, 0.05)
    sleeps, wakes = 1 + dice.uniform(-0.2, 0.2), 4 + dice.uniform(-0.2, 0.2)

    def demand(hours: float) -> Rates:
        asleep = sleeps <= hours % 24 < wakes
        return (0.0, 0.0) if asleep else (level, level * back)

    return demand


def backup(dice: random.Random) -> Demand:
    """A little all day, and a window at night with much; now and then a night is left out, or the window is longer."""
    base, height = _scale(dice, 1e3, 5e4), _scale(dice, 1e6, 1e7)
    begins, length, missed = dice.uniform(0, 4), dice.uniform(1, 3), dice.randrange(1 << 30)

    def demand(hours: float) -> Rates:
        tonight = random.Random(missed + int(hours // 24))  # the same for every moment of a night
        runs = tonight.random() > 0.1 and begins <= hours % 24 < begins + length * tonight.uniform(0.6, 1.4)
        return (height if runs else base), (height / 40 if runs else base / 2)

    return demand


def growth(dice: random.Random) -> Demand:
    """An office that grows, or shrinks, by a few per cent a day."""
    usual, daily = office(dice), dice.choice((0.97, 1.03, 1.06))

    def demand(hours: float) -> Rates:
        receive, transmit = usual(hours)
        factor = daily ** (hours / 24)
        return receive * factor, transmit * factor

    return demand


def bursts(dice: random.Random) -> Demand:
    """Comes and goes at no fixed hours: minutes of traffic, minutes or hours of none."""
    height, seed, active = _scale(dice, 1e4, 1e6), dice.randrange(1 << 30), dice.uniform(0.1, 0.7)

    def demand(hours: float) -> Rates:
        half_hour = random.Random(seed + int(hours * 2))
        return (height, height / 3) if half_hour.random() < active else (0.0, 0.0)

    return demand


def quiet(dice: random.Random) -> Demand:
    """Next to nothing, ever."""
    level = dice.uniform(0, 200)
    return lambda hours: (level, level * 0.8)


def steady_then_calm(dice: random.Random) -> Demand:
    """Like `always_on`, until in the fourth week it carries a fifth."""
    usual = always_on(dice)

    def demand(hours: float) -> Rates:
        receive, transmit = usual(hours)
        factor = 0.2 if hours > 3 * WEEK else 1.0
        return receive * factor, transmit * factor

    return demand


def feed(dice: random.Random) -> Demand:
    """One way by design: AWS sends a stream that nobody answers."""
    level = _scale(dice, 5e3, 5e5)
    return lambda hours: (0.0, level)


PROFILES: Mapping[str, Profile] = {
    "office": Profile(0.24, office),
    "dark office": Profile(0.12, dark_office),
    "always on": Profile(0.2, always_on),
    "camera": Profile(0.1, camera, noise=0.1),
    "backup": Profile(0.1, backup),
    "growth": Profile(0.06, growth),
    "bursts": Profile(0.05, bursts, noise=0.5),
    "quiet": Profile(0.06, quiet, noise=0.4),
    "steady, then calm": Profile(0.04, steady_then_calm),
    "one-way feed": Profile(0.03, feed),
}
