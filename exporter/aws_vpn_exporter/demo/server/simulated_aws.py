"""`SimulatedAws`, which puts the services, the faults and the HTTP server together."""

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

from .. import wire
from ..backend import (
    ChangeRecords,
    CustomerGateways,
    Describe,
    FaultScript,
    FleetBackend,
    FleetChanges,
    NoOptionalSources,
    OptionalSources,
    QuotaRecords,
)
from ..faults import LOAD_BALANCER_PAGE, PORTAL_PAGE, PROXY_PAGE, FaultName, Refusal, RefusedError, refusal
from . import cloudtrail, cloudwatch, ec2, logs, servicequotas, sts
from .active_faults import ActiveFaults
from .call_counts import CallCounts
from .calls import XML_SERVICES, Call, Operations, Response, refused, success
from .http_server import HttpServer

DEFAULT_REGIONS = ("eu-west-1", "eu-central-1", "us-east-1", "ap-southeast-2")


def no_script(operation: str, region: str) -> None:
    """A FaultScript in which every call succeeds."""


class SimulatedAws:
    """An endpoint for EC2, STS, CloudWatch, its Logs, CloudTrail and Service Quotas on 127.0.0.1, in a `with` block.

    It accepts any credentials and does not check signatures. These operations are answered, all others refused:

    - DescribeVpnConnections, from `fleet`. Of its parameters, VpnConnectionId.N and the filter `state` are honoured,
      and all other filters ignored.
    - GetVpnTunnelReplacementStatus, GetActiveVpnTunnelStatus, GetMetricData and FilterLogEvents, from `sources` or, if
      that is None, from `fleet`. The last two give at most `page_size` values or events at a time. CloudWatch keeps the
      traffic under `traffic_dimensions`; without VpnId, `sources` are asked about a connection whose id is empty.
    - DescribeCustomerGateways, LookupEvents and GetServiceQuota, from the same, if it tells of customer gateways, calls
      and quotas; GetAWSDefaultServiceQuota.
    - ModifyVpnTunnelOptions, ReplaceVpnTunnel, CreateVpnConnectionRoute and DeleteVpnConnectionRoute, if there is an
      object `changes` that carries them out.
    - DescribeRegions (`regions`) and GetCallerIdentity (`account_id`).

    `fleet` may also be only a function that answers DescribeVpnConnections.

    `script` can make calls fail; faults that were set with `fail` come first. Port 0 means any free port. All methods
    may be called from any thread.
    """

    def __init__(
        self,
        fleet: FleetBackend | Describe,
        *,
        account_id: str = "123456789012",
        regions: Sequence[str] = DEFAULT_REGIONS,
        script: FaultScript = no_script,
        sources: OptionalSources | None = None,
        changes: FleetChanges | None = None,
        page_size: int = 10_000,
        traffic_dimensions: Collection[str] = cloudwatch.DIMENSIONS,
        port: int = 0,
    ) -> None:
        describe: Describe = fleet.describe if isinstance(fleet, FleetBackend) else fleet
        if sources is None:
            sources = fleet if isinstance(fleet, FleetBackend) else NoOptionalSources()
        nothing = NoOptionalSources()
        self._account_id = account_id
        self._operations: Operations = {
            **ec2.operations(
                describe, tuple(regions), sources, sources if isinstance(sources, CustomerGateways) else nothing
            ),
            **(ec2.change_operations(changes) if changes else {}),
            **sts.operations(account_id),
            **cloudwatch.operations(sources, page_size, traffic_dimensions),
            **logs.operations(sources, page_size),
            **cloudtrail.operations(sources if isinstance(sources, ChangeRecords) else nothing),
            **servicequotas.operations(sources if isinstance(sources, QuotaRecords) else nothing),
        }
        self._faults = ActiveFaults(script)
        self._counts = CallCounts()
        self._server = HttpServer(port, self._respond, self._faults, self._counts)
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.1},  # seconds; every stop waits for it, and the default is half a second
            name="simulated-aws",
            daemon=True,
        )

    def __enter__(self) -> Self:
        for service, operation in self._operations:
            if service in XML_SERVICES:
                wire.operation_model(service, operation)  # loading takes long, and no first call should wait for it
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Close the port and every connection at once, also where a call is unanswered. May be called twice."""
        self.heal()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self._server.close_connections()

    @property
    def url(self) -> str:
        """The URL for boto3's `endpoint_url` or the environment variable AWS_ENDPOINT_URL."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def calls(self) -> Mapping[tuple[str, str], int]:
        """The number of calls so far, by operation and region. Retries count."""
        return self._counts.total

    @property
    def peak(self) -> Mapping[tuple[str, str], int]:
        """The largest number of calls that were running at the same time, by operation and region."""
        return self._counts.peak

    def fail(self, operation: str, fault: FaultName, *, region: str | None = None, seconds: float = 5.0) -> None:
        """Make each call of an operation meet a fault from now on, in one region or in all.

        `seconds` is how long "slow" takes. A fault that was set for the same calls before is ended. Raises ValueError
        for an unknown fault.
        """
        self._faults.start(operation, fault, region, seconds)

    def heal(self, operation: str | None = None, *, region: str | None = None) -> None:
        """End the faults of one operation, in one region or in all; without an operation, those of every operation.

        Calls that hang are ended without an answer. A fault that was set for all regions is not ended by naming one.
        """
        self._faults.end(operation, region)

    def _respond(self, call: Call, fault: FaultName | None) -> Response:
        """Make the response to a call: that of the fault, if it has one of its own, else the answer or a refusal."""
        if fault == "server_error_html":
            return Response(500, LOAD_BALANCER_PAGE, "text/html")
        if fault == "proxy_html":
            return Response(502, PROXY_PAGE, "text/html; charset=utf-8")
        if fault == "portal_html":
            return Response(200, PORTAL_PAGE, "text/html; charset=utf-8")
        of_fault = refusal(call.service, fault) if fault else None
        if of_fault is not None:
            message = of_fault.message.format(
                service=call.service, operation=call.operation, account_id=self._account_id
            )
            return refused(call, replace(of_fault, message=message))
        operation = self._operations.get((call.service, call.operation))
        if operation is None:
            message = f"The action {call.operation} is not valid for this web service."
            return refused(call, Refusal(400, "UnknownOperationException" if call.json else "InvalidAction", message))
        try:
            return success(call, operation(call))
        except RefusedError as error:
            return refused(call, error.refusal)
