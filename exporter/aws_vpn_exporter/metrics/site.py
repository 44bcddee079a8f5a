"""Metrics about a site: the connections of an account and region that lead to it, as one."""

from collections.abc import Iterator

from aws_vpn_exporter.metrics.record import Metric, Sample, value
from aws_vpn_exporter.status import SiteStatus


def _findings(site: SiteStatus) -> Iterator[Sample]:
    for finding, found in (("one_device", site.has_one_device), ("one_address", site.has_one_address)):
        if found is not None:
            yield {"finding": finding}, float(found)


SITE: tuple[Metric[SiteStatus], ...] = (
    Metric(
        "aws_vpn_site_paths_up",
        "Tunnels that lead to the site and can carry traffic: up, and not without routes. Only with the block sites, "
        "as all about sites. A site in several accounts or regions has a series in each; their sum is what it has. "
        "Absent where AWS does not say of some connection.",
        (),
        value(lambda site: site.paths_up),
    ),
    Metric(
        "aws_vpn_site_paths_expected",
        "Tunnels that lead to the site and are meant to be up. Direct Connect is not among them.",
        (),
        value(lambda site: site.paths_expected),
    ),
    Metric(
        "aws_vpn_site_finding",
        "Whether the site's ways share what can fail (1), as far as this account and region know. Finding: one_device "
        "(all tunnels end on one device), one_address (several connections end on one public address).",
        ("finding",),
        _findings,
    ),
    Metric(
        "aws_vpn_site_direct_connect",
        "That Direct Connect leads to the site as well, as the configuration declares. Always 1; says nothing about "
        "whether it works.",
        (),
        value(lambda site: 1.0 if site.settings.sites and site.name in site.settings.sites.direct_connect else None),
    ),
)
