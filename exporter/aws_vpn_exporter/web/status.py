"""The status page: what a person without dashboards needs, rendered on the server, worst first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_vpn_exporter import __version__, summary
from aws_vpn_exporter.options import text
from aws_vpn_exporter.policy import Settings
from aws_vpn_exporter.status import TargetStatus
from aws_vpn_exporter.summary import ConnectionCard, Health
from aws_vpn_exporter.wording import age, moment

_MOST_CARDS = 200
_MOST_TARGETS = 500
"""What a browser shows at ease; the worst stand first, and the page says how many are left out."""

_REFRESH_SECONDS = ("5", "10", "30", "60")

_LONGEST_SEARCH = 100
"""Characters."""

_TROUBLE = "trouble"

SHOWN: Mapping[str, str] = {
    "": "All connections",
    _TROUBLE: "All that are not well",
    **{health.name.lower(): words for health, (_, words, _) in summary.HEALTH.items()},
}
"""By the value of `show`, the connections that are shown."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the reader asks for in the page's address: `?search=…&show=…&refresh=…`."""

    search: str = ""
    show: str = ""
    refresh: str = ""

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> "Wish":
        """The wish; what is not known counts as not asked for."""
        show, refresh = parameters.get("show", ""), parameters.get("refresh", "")
        return cls(
            " ".join(parameters.get("search", "")[:_LONGEST_SEARCH].split()),
            show if show in SHOWN else "",
            refresh if refresh in _REFRESH_SECONDS else "",
        )

    @property
    def selects(self) -> bool:
        """Whether it asks for some of the connections only."""
        return bool(self.search or self.show)

    def fits(self, card: ConnectionCard) -> bool:
        """Whether the connection is one of those that are asked for: each word occurs somewhere in what is known."""
        if self.show and self.show != card.health.name.lower() and not (self.show == _TROUBLE and _is_trouble(card)):
            return False
        known = _known_of(card) if self.search else ""
        return all(word in known for word in self.search.casefold().split())


_NO_WISH = Wish()


def page(
    statuses: Iterable[TargetStatus],
    settings: Settings,
    now: float,
    wish: Wish = _NO_WISH,
    telemetry_path: str = "/metrics",
) -> str:
    """The page as HTML, as of a moment in Unix seconds."""
    statuses = list(statuses)
    cards, targets = summary.cards(statuses, settings, now), summary.target_rows(statuses, now)
    fitting = [card for card in cards if wish.fits(card)] if wish.selects else cards
    answered = max((status.poll.last_success or 0.0 for status in statuses), default=0.0)
    rendered: str = _template().render(
        cards=fitting[:_MOST_CARDS],
        fitting=len(fitting),
        total=len(cards),
        targets=targets[:_MOST_TARGETS],
        target_count=len(targets),
        counts=[(health, summary.HEALTH[health], sum(card.health is health for card in cards)) for health in Health],
        failing=sum(row.tone == "bad" for row in targets),
        lacking=sum(card.health in (Health.DOWN, Health.REDUNDANCY_LOST) for card in cards),
        wish=wish,
        shown=SHOWN,
        answered=f"{moment(answered)} ({age(now - answered)} before this page)" if answered else "",
        written=moment(now),
        version=__version__,
        runbooks=summary.RUNBOOKS,
        grafana_url=settings.grafana_url,
        telemetry_path=telemetry_path.lstrip("/"),
    )
    return rendered


def _is_trouble(card: ConnectionCard) -> bool:
    return card.health < Health.GOOD


def _known_of(card: ConnectionCard) -> str:
    connection = card.connection
    words = (
        connection.name,
        connection.id,
        card.target.account_id,
        card.target.region,
        connection.customer_gateway_id,
        connection.gateway[1],
        card.device_words,
        card.verdict,
        *(f"{key} {value} {key}={value}" for key, value in card.tags),
        *(f"{tunnel.outside_ip} {tunnel.state} {tunnel.message}" for tunnel in card.tunnels),
        *(one.cause.words for one in card.shared_causes),
    )
    return " ".join(filter(None, words)).casefold()


@cache
def _template() -> Any:
    # jinja2 is loaded with the first page: a process that is only scraped does without its 2 MiB.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("aws_vpn_exporter.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["option_value"] = text
    environment.filters["moment"] = moment
    return environment.get_template("status.html")
