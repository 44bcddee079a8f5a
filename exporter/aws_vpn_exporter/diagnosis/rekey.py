"""When the two sides of a tunnel renew its keys, and how likely they get into each other's way. Pure.

Sources: the Site-to-Site VPN user guide ("Tunnel options": the margin counts before the end of phase 1 and phase 2, and
the fuzz widens it), strongSwan's documentation of the same two values (the moment is drawn evenly from the window), and
RFC 7296, section 2.8 and 2.25 (what two exchanges about one security association do to one another).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RekeyWindow:
    """One side's values for one phase: the keys' lifetime and the margin in seconds, the fuzz as a ratio of 0 to 1.

    Counted from when the keys were established, the side renews them at a moment that it draws evenly from between
    `earliest` and `latest`.
    """

    lifetime: float
    margin: float
    fuzz: float

    @property
    def earliest(self) -> float:
        """Seconds after which the side may renew the keys."""
        return max(0.0, self.lifetime - self.margin * (1 + self.fuzz))

    @property
    def latest(self) -> float:
        """Seconds after which the side has renewed the keys."""
        return max(0.0, self.lifetime - self.margin)

    @property
    def share(self) -> float:
        """How much of the lifetime may be gone with renewing, from 0 to 1; at 1 new keys may be renewed at once."""
        return min(1.0, self.margin * (1 + self.fuzz) / self.lifetime)


def collision_probability(one: RekeyWindow, other: RekeyWindow, exchange: float) -> float:
    """The probability that both sides begin to renew the same keys within `exchange` seconds of one another.

    Both moments are even over their windows: what is asked for is the share of the rectangle of the two windows that
    lies within a band around its diagonal. A window without width is a moment.
    """
    widths = [side.latest - side.earliest for side in (one, other)]
    if not any(widths):
        return float(abs(one.latest - other.latest) <= exchange)
    if not all(widths):
        moment, window = (one, other) if widths[1] else (other, one)
        low, high = max(window.earliest, moment.latest - exchange), min(window.latest, moment.latest + exchange)
        return max(0.0, high - low) / max(widths)
    later = _area_above(one, other, -exchange) - _area_above(one, other, exchange)
    return min(1.0, max(0.0, later / (widths[0] * widths[1])))


def _area_above(one: RekeyWindow, other: RekeyWindow, lag: float) -> float:
    """The area of the rectangle of both windows in which `one` comes more than `lag` seconds after `other`."""

    def triangle(side: float) -> float:
        return max(0.0, side) ** 2 / 2

    return (
        triangle(one.latest - other.earliest - lag)
        - triangle(one.earliest - other.earliest - lag)
        - triangle(one.latest - other.latest - lag)
        + triangle(one.earliest - other.latest - lag)
    )
