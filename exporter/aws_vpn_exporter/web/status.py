"""The status page: what a person without dashboards needs, rendered on the server, worst first."""

import time
from collections.abc import Iterable

from jinja2 import Environment, PackageLoader, StrictUndefined

from aws_vpn_exporter import __version__, summary
from aws_vpn_exporter.options import text
from aws_vpn_exporter.policy import Settings
from aws_vpn_exporter.status import TargetStatus
from aws_vpn_exporter.summary import Health
from aws_vpn_exporter.wording import moment

_MOST_CARDS = 200
_MOST_TARGETS = 500
"""What a browser shows at ease; the worst stand first, and the page says how many are left out."""

_REFRESH_SECONDS = ("5", "10", "30", "60")


def page(
    statuses: Iterable[TargetStatus], settings: Settings, refresh: str = "", telemetry_path: str = "/metrics"
) -> str:
    """The page as HTML. `refresh` is a number of seconds out of 5, 10, 30 and 60, or anything else for never."""
    now = time.time()
    statuses = list(statuses)
    cards, targets = summary.cards(statuses, settings, now), summary.target_rows(statuses, now)
    return _TEMPLATE.render(
        cards=cards[:_MOST_CARDS],
        total=len(cards),
        targets=targets[:_MOST_TARGETS],
        target_count=len(targets),
        counts=[(summary.HEALTH[health], sum(card.health is health for card in cards)) for health in Health],
        failing=sum(row.tone == "bad" for row in targets),
        lacking=sum(card.health in (Health.DOWN, Health.REDUNDANCY_LOST) for card in cards),
        refresh=refresh_seconds(refresh),
        telemetry_path=telemetry_path.lstrip("/"),
        written=moment(now),
        version=__version__,
        runbooks=summary.RUNBOOKS,
    )


def refresh_seconds(asked_for: str) -> str:
    """The seconds after which the page asks for itself again, or "" for never."""
    return asked_for if asked_for in _REFRESH_SECONDS else ""


_ENVIRONMENT = Environment(
    loader=PackageLoader("aws_vpn_exporter.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["option_value"] = text
_ENVIRONMENT.filters["moment"] = moment
_TEMPLATE = _ENVIRONMENT.get_template("status.html")
