"""CPU of one answer with 50 connections: the exporter, plain boto3, and a bare lxml pass over the same bytes."""

import os
import time
from collections.abc import Callable

import boto3
from botocore.awsrequest import AWSResponse
from lxml import etree

from aws_vpn_exporter.aws import connections
from aws_vpn_exporter.aws.session import Aws
from aws_vpn_exporter.demo import wire
from aws_vpn_exporter.demo.fleet import Fleet, Scenario, many
from aws_vpn_exporter.target import Account, Target
from tools.benchmarks.timing import milliseconds

ROUNDS = 40


def table() -> str:
    """The section of the page."""
    os.environ.update({"AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "demo"})
    answer = Fleet(time.time, Scenario("", many(50))).describe("eu-west-1")
    body = wire.answer("ec2", "DescribeVpnConnections", answer, "r")
    target = Target("123456789012", "eu-west-1")
    aws = Aws()
    aws.register_accounts([Account(target.account_id)], target.region)
    ours = aws.client("ec2", target.region)
    plain = boto3.client("ec2", "eu-west-1")
    for client in (ours, plain):
        client.meta.events.register("before-send.ec2", lambda **event: _answered(event["request"].url, body))  # type: ignore[arg-type]
    cases: dict[str, Callable[[], object]] = {
        "the exporter: answer to connections": lambda: connections.connections(aws, target),
        "plain boto3: answer to dicts": plain.describe_vpn_connections,
        "a bare lxml pass over the bytes": lambda: [element.tag for element in etree.fromstring(body).iter()],
    }
    rows = {name: milliseconds(case, ROUNDS) for name, case in cases.items()}
    boto = rows["plain boto3: answer to dicts"]
    lines = "\n".join(f"| {name} | {value:.1f} ms | {value / boto:.0%} |" for name, value in rows.items())
    return (
        f"## CPU of an answer with 50 connections ({len(body) // 1000} kB)\n\n"
        f"| | CPU | of plain boto3 |\n|---|---|---|\n{lines}\n\n"
        "The exporter stays with boto3's own parser, over a description of the API that lacks what is not used: the "
        "clear code, at this price.\n"
    )


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: object, **__: object) -> list[bytes]:
        return [self._body]


def _answered(url: str, body: bytes) -> AWSResponse:
    return AWSResponse(url, 200, {"content-type": "text/xml"}, _Raw(body))  # type: ignore[arg-type]
