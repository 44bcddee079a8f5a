"""DescribeCustomerGateways: AWS's record of the devices at the other end. One call for each account and region.

It is always on, for it is free and asked rarely, and tells which device a connection leads to. Denied, it costs nothing
else.
"""

from collections.abc import Collection
from typing import Any

from pydantic import Field

from aws_vpn_exporter.aws.errors import MalformedAnswerError, poll_errors
from aws_vpn_exporter.evidence import CustomerGateway, SourceAnswer
from aws_vpn_exporter.fields import Duration
from aws_vpn_exporter.model import Connection, TunnelId
from aws_vpn_exporter.sources.protocol import Source, SourceBlock
from aws_vpn_exporter.target import FailureCause, PollError
from aws_vpn_exporter.wording import clean


class CustomerGatewaysBlock(SourceBlock):
    """The customer gateways' addresses, AS numbers and device names: one free call for each account and region."""

    interval: Duration = Field(600.0, description="How often AWS is asked.")


class CustomerGatewaysSource(Source):
    """The source `customer_gateways`."""

    name = "customer_gateways"
    description = "Read the customer gateways; always on"
    block = CustomerGatewaysBlock
    service = "ec2"
    actions = ("ec2:DescribeCustomerGateways",)
    always_on = True

    def fetch(self, client: Any, connections: Collection[Connection], now: float) -> SourceAnswer[CustomerGateway]:
        """The customer gateway of each tunnel, asked for with an EC2 client."""
        with poll_errors():
            answer = client.describe_customer_gateways()
            if "CustomerGateways" not in answer:
                raise MalformedAnswerError("not a DescribeCustomerGateways answer")
        known = {gateway.id: gateway for gateway in map(_gateway, answer["CustomerGateways"])}
        named = {connection.customer_gateway_id for connection in connections} - {""}
        error = None
        if named and not named & known.keys():
            error = PollError(FailureCause.NOT_FOUND, "AWS lists none of the customer gateways that connections name")
        return SourceAnswer(
            {
                TunnelId(connection.id, tunnel.outside_ip): known[connection.customer_gateway_id]
                for connection in connections
                if connection.customer_gateway_id in known
                for tunnel in connection.tunnels
                if tunnel.outside_ip
            },
            error,
        )


def _gateway(item: Any) -> CustomerGateway:
    return CustomerGateway(
        id=clean(item.get("CustomerGatewayId") or ""),
        address=clean(item.get("IpAddress") or ""),
        as_number=clean(item.get("BgpAsn") or item.get("BgpAsnExtended") or ""),
        device=clean(item.get("DeviceName") or ""),
    )
