"""What every query costs at 1,000 connections over 30 days: `python -m tests.grafana.costs`.

The present comes from two real replicas with the optional sources on, but for traffic, of which no query looks at more
than one connection. The past holds, at the density of production, all that the dashboards read from it: a month of
alerts for every connection in trouble, and a month of raw samples of the connection looked at.
"""

import argparse
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from aws_vpn_exporter.demo.fleet import Connection, Scenario, many
from aws_vpn_exporter.demo.fleet.tunnel_options import LOGGED_OPTIONS
from testbed.dashboards.answers import UIDS, ask, choices, load, panels, variables_of
from testbed.dashboards.past import DAY, Outage, past_of
from testbed.dashboards.prometheus import JOB, Past, Prometheus, lab
from testbed.programs import wait_for

CONNECTIONS, SPAN, DAYS = 1000, "30d", 30
ALERT_INTERVAL, SCRAPE_INTERVAL = 15, 30
LOOKED_AT = "branch-00010"
SOURCES = """
maintenance: {interval: 10m}
negotiated: {interval: 10m}
logs: {interval: 1m}
"""


def _logged(connection: Connection) -> Connection:
    # The simulated AWS writes a log anew for each reader: one connection's is all that it can be asked for in time.
    return replace(connection, options=LOGGED_OPTIONS) if connection.name == LOOKED_AT else connection


def past() -> Past:
    """Alerts of every tenth connection, without a pause, and the raw samples of one connection."""
    raw = past_of({LOOKED_AT: (Outage(DAYS - 1, 0.5, 1), Outage(1, 0.5, 2))}, DAYS, SCRAPE_INTERVAL)

    def lines(page: str, now: float) -> Iterator[str]:
        yield from raw(page, now)
        moments = range(int(now - DAYS * DAY), int(now - 330), ALERT_INTERVAL)
        infos = (line for line in page.splitlines() if line.startswith("aws_vpn_connection_info{"))
        for info in (dict(re.findall(r'(\w+)="([^"]*)"', line)) for line in infos):
            if not info["name"].endswith("0") or info["name"] == LOOKED_AT:  # whose alerts are written above
                continue
            labels = (
                f'alertname="AwsVpnConnectionRedundancyLost",alertstate="firing",severity="warning",job="{JOB}",'
                f'account_id="123456789012",region="eu-west-1",vpn_connection_id="{info["vpn_connection_id"]}"'
            )
            yield from (f"ALERTS{{{labels}}} 1 {at}" for at in moments)

    return lines


def costs(api: Prometheus) -> Iterator[tuple[float, int, str]]:
    """Of every query of every panel, list and mark: the best of three times in seconds, the series, and its name."""
    for uid in UIDS:
        dashboard = load(uid)
        one = choices(api, load("aws-vpn-connection"), "connection")
        looked_at = next(value for text, value in one.items() if text.startswith(LOOKED_AT))
        variables = variables_of(dashboard, looked_at if uid == "aws-vpn-connection" else ".+", SPAN)
        asked = [(panel["title"], target, 1500) for panel in panels(dashboard) for target in panel["targets"]]
        # As fine as Prometheus permits: Grafana asks for marks in steps of their own.
        asked += [("annotation", mark, 10_900) for mark in dashboard["annotations"]["list"]]
        for title, target, points in asked:
            times = []
            for _ in range(3):
                begin = time.perf_counter()
                got = ask(api, target, variables, points)
                times.append(time.perf_counter() - begin)
            yield min(times), len(got), f"{uid}: {title} {target.get('refId', '')}"
        for name in (variable["name"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"):
            begin = time.perf_counter()
            found = choices(api, dashboard, name, SPAN)
            yield time.perf_counter() - begin, len(found), f"{uid}: variable {name}"


def main() -> None:
    """Prints the slowest queries first."""
    parser = argparse.ArgumentParser(prog="python -m tests.grafana.costs", description=__doc__)
    parser.add_argument("--top", type=int, default=15, help="how many to print; default: %(default)s")
    options = parser.parse_args()
    fleet = Scenario("A large fleet.", tuple(_logged(one) for one in many(CONNECTIONS)))
    with tempfile.TemporaryDirectory() as folder, lab(fleet, Path(folder), past(), pace=15, sources=SOURCES) as api:
        wait_for(lambda: len(api.instant("vpn_connection:security_hub_ec2_20:passed")) == CONNECTIONS, 90, "rules")
        time.sleep(30)
        found = sorted(costs(api), reverse=True)
    for seconds, series, name in found[: options.top]:
        print(f"{seconds * 1000:7.0f} ms {series:6} series  {name}")
    print(f"{len(found)} queries, {sum(cost for cost, _, _ in found):.1f} s in all; slowest {found[0][0]:.2f} s")


if __name__ == "__main__":
    main()
