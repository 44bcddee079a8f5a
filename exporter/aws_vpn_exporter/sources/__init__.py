"""The optional sources of evidence: each is a file with its class and its configuration block, listed here.

Everything else follows from this list: the configuration's schema and documents, the IAM policies, `check-config`, the
status page and the metrics aws_vpn_source_*. What a source says is a dataclass and a field of `evidence.Evidence`; its
metrics are in `metrics/tunnel.py`.
"""

from collections.abc import Mapping

from aws_vpn_exporter.sources.changes import ChangesSource
from aws_vpn_exporter.sources.customer_gateways import CustomerGatewaysSource
from aws_vpn_exporter.sources.logs import LogsSource
from aws_vpn_exporter.sources.maintenance import MaintenanceSource
from aws_vpn_exporter.sources.negotiated import NegotiatedSource
from aws_vpn_exporter.sources.protocol import Source, SourceBlock
from aws_vpn_exporter.sources.quotas import QuotasSource
from aws_vpn_exporter.sources.traffic import TrafficSource

__all__ = ["SOURCES", "Source", "SourceBlock"]

_LISTED: tuple[type[Source], ...] = (
    TrafficSource,
    MaintenanceSource,
    NegotiatedSource,
    LogsSource,
    ChangesSource,
    CustomerGatewaysSource,
    QuotasSource,
)

SOURCES: Mapping[str, type[Source]] = {source.name: source for source in _LISTED}
"""The sources by the name of their configuration block."""
