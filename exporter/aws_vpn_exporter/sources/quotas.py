"""GetServiceQuota: how many VPN connections AWS allows. Two free calls for each account and region.

Source of the codes: the Site-to-Site VPN user guide ("Quotas"). What was never raised may have no applied value; then
AWS's default holds, which is asked for with GetAWSDefaultServiceQuota.
"""

import math
from collections.abc import Collection
from typing import Any

from pydantic import Field

from aws_vpn_exporter.aws.errors import MalformedAnswerError, poll_errors
from aws_vpn_exporter.evidence import Quotas, SourceAnswer
from aws_vpn_exporter.fields import Duration
from aws_vpn_exporter.model import Connection
from aws_vpn_exporter.sources.protocol import Source, SourceBlock, tunnel_ids
from aws_vpn_exporter.target import FailureCause, PollError

CONNECTIONS_PER_REGION = "L-3E6EC3A3"
CONNECTIONS_PER_GATEWAY = "L-B91E5754"
"""For each virtual private gateway. Transit gateways have no such quota of their own."""


class QuotasBlock(SourceBlock):
    """How many connections AWS allows for the region and for each virtual private gateway: two free calls."""

    interval: Duration = Field(21600.0, description="How often Service Quotas is asked.")


class QuotasSource(Source):
    """The source `quotas`."""

    name = "quotas"
    description = "Read how many connections AWS allows"
    block = QuotasBlock
    service = "service-quotas"
    actions = ("servicequotas:GetServiceQuota", "servicequotas:GetAWSDefaultServiceQuota")

    def fetch(self, client: Any, connections: Collection[Connection], now: float) -> SourceAnswer[Quotas]:
        """The quotas, the same for all tunnels of the target, asked for with a Service Quotas client."""
        tunnels = tunnel_ids(connections)
        if not tunnels:
            return SourceAnswer({})
        quotas = Quotas(_quota(client, CONNECTIONS_PER_REGION), _quota(client, CONNECTIONS_PER_GATEWAY))
        return SourceAnswer(dict.fromkeys(tunnels, quotas))


def _quota(client: Any, code: str) -> int | None:
    """The quota in force; None where AWS knows of none. Raises PollError."""
    for ask in (client.get_service_quota, client.get_aws_default_service_quota):
        try:
            with poll_errors():
                return _number(ask(ServiceCode="ec2", QuotaCode=code))
        except PollError as error:
            if error.cause is not FailureCause.NOT_FOUND:
                raise
    return None


def _number(answer: Any) -> int:
    number = (answer.get("Quota") or {}).get("Value")
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number) or number < 0:
        raise MalformedAnswerError("not a GetServiceQuota answer")
    return int(number)
