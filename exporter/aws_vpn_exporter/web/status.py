"""The status page: what a person without dashboards needs, rendered on the server, worst first."""

import time
from collections.abc import Iterable

from jinja2 import Environment, PackageLoader, StrictUndefined

from aws_vpn_exporter import __version__, summary
from aws_vpn_exporter.catalogue import Knowledge
from aws_vpn_exporter.diagnosis import TURN_ON
from aws_vpn_exporter.model import Settings
from aws_vpn_exporter.summary import Health

_MOST_CARDS = 200
_MOST_TARGETS = 500
"""What a browser shows at ease; the worst stand first, and the page says how many are left out."""

_REFRESH_SECONDS = ("5", "10", "30", "60")


def page(known: Iterable[Knowledge], settings: Settings, refresh: str = "") -> str:
    """The page as HTML. `refresh` is a number of seconds out of 5, 10, 30 and 60, or anything else for never."""
    now = time.time()
    known = list(known)
    cards, targets = summary.cards(known, settings, now), summary.target_rows(known, now)
    return _TEMPLATE.render(
        cards=cards[:_MOST_CARDS],
        total=len(cards),
        targets=targets[:_MOST_TARGETS],
        target_count=len(targets),
        counts=[(summary.HEALTH[health], sum(card.health is health for card in cards)) for health in Health],
        failing=sum(row.tone == "bad" for row in targets),
        lacking=sum(card.health in (Health.DOWN, Health.REDUNDANCY_LOST) for card in cards),
        refresh=refresh if refresh in _REFRESH_SECONDS else "",
        written=summary.moment(now),
        version=__version__,
        runbooks=summary.RUNBOOKS,
        turn_on=TURN_ON,
    )


_TEMPLATE = Environment(
    loader=PackageLoader("aws_vpn_exporter.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
).get_template("status.html")
