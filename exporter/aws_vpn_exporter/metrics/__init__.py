"""Every metric, once, as a record in the file of its subject: connection, tunnel, site, target, exporter."""

from typing import Any

from aws_vpn_exporter.metrics.connection import CONNECTION
from aws_vpn_exporter.metrics.exporter import EXPORTER
from aws_vpn_exporter.metrics.record import Metric
from aws_vpn_exporter.metrics.site import SITE
from aws_vpn_exporter.metrics.target import SOURCE, TARGET
from aws_vpn_exporter.metrics.tunnel import TUNNEL

METRICS: tuple[Metric[Any], ...] = (*CONNECTION, *TUNNEL, *SITE, *TARGET, *SOURCE, *EXPORTER)
"""All of them, in the order in which the page and the documents have them."""
