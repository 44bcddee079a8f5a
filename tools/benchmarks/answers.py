"""CPU of answers with 50 and 1,000 connections: the exporter, plain boto3, a bare lxml pass over the same bytes."""

import os
import time
from collections.abc import Callable

import boto3
from botocore.awsrequest import AWSResponse
from lxml import etree

from aws_vpn_exporter.aws import connections
from aws_vpn_exporter.aws.session import Aws
from aws_vpn_exporter.commands.serve import spare_the_garbage_collector
from aws_vpn_exporter.demo import wire
from aws_vpn_exporter.demo.fleet import Fleet, Scenario, many
from aws_vpn_exporter.target import Account, Target
from tools.benchmarks.timing import milliseconds

ROUNDS = {50: 40, 1000: 9}
"""How often each answer is read, by its connections."""


def table() -> str:
    """The section of the page."""
    spare_the_garbage_collector()  # as in the process that is measured
    os.environ.update({"AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "demo"})
    return (
        "## CPU of an answer\n\n| connections | bytes | the exporter: answer to connections | plain boto3: answer to "
        "dicts | a bare lxml pass |\n|---|---|---|---|---|\n" + "".join(_row(size) for size in ROUNDS) + "\n"
        "The exporter cuts the secrets from the bytes and reads the rest with the standard library's parser in C, by "
        "the API's own description.\n"
    )


def _row(size: int) -> str:
    answer = Fleet(time.time, Scenario("", many(size))).describe("eu-west-1")
    body = wire.answer("ec2", "DescribeVpnConnections", answer, "r")
    target = Target("123456789012", "eu-west-1")
    aws = Aws()
    aws.register_accounts([Account(target.account_id)], target.region)
    ours = aws.client("ec2", target.region)
    plain = boto3.client("ec2", "eu-west-1")
    for client in (ours, plain):
        client.meta.events.register("before-send.ec2", lambda **event: _answered(event["request"].url, body))  # type: ignore[arg-type]
    cases: tuple[Callable[[], object], ...] = (
        lambda: connections.connections(aws, target),
        plain.describe_vpn_connections,
        lambda: [element.tag for element in etree.fromstring(body).iter()],
    )
    figures = [milliseconds(case, ROUNDS[size]) for case in cases]
    boto = figures[1]
    cells = " | ".join(f"{figure:.1f} ms, {figure / boto:.0%}" for figure in figures)
    return f"| {size:,} | {len(body) / 1e6:.1f} MB | {cells} |\n"


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: object, **__: object) -> list[bytes]:
        return [self._body]


def _answered(url: str, body: bytes) -> AWSResponse:
    return AWSResponse(url, 200, {"content-type": "text/xml"}, _Raw(body))  # type: ignore[arg-type]
