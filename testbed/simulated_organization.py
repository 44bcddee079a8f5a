"""A simulated AWS of many accounts: EC2, STS and Organizations on one port, fast enough for benchmarks.

It is one asyncio loop, so that thousands of slow answers under way cost no threads. The access key that
AssumeRole gave out says which account a call is for, as at AWS.

`python -m testbed.simulated_organization PORT ACCOUNTS REGIONS LATENCY CONNECTIONS` serves from a process of its own.
"""

import asyncio
import json
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Literal, Self
from urllib.parse import parse_qs

from aws_vpn_exporter.demo import wire
from aws_vpn_exporter.demo.fleet import HOME_REGION, Fleet, Scenario, many

HUB = "999999999999"
REGIONS = tuple(f"{area}-{number}" for area in ("eu-west", "us-east", "ap-south", "sa-east") for number in range(1, 6))
_CREDENTIAL = re.compile(rb"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/")

Describe = Callable[[str, str], Mapping[str, object]]
"""An account's DescribeVpnConnections answer in a region."""


def account_ids(count: int) -> list[str]:
    """The ids of so many member accounts."""
    return [f"{100000000000 + number}" for number in range(count)]


def nothing(_account: str, _region: str) -> Mapping[str, object]:
    """No connections anywhere."""
    return {"VpnConnections": []}


FaultName = Literal["denied", "throttled", "expired", "invalid", "hang", "drip", "cut", "reset", "html"]
"""Refusals; no answer at all; one that comes a byte at a time, is cut off, reset, or is another program's page."""

_REFUSALS: Mapping[str, tuple[int, str, str]] = {
    "denied": (403, "AccessDenied", "User: demo is not authorized to perform this operation"),
    "throttled": (503, "RequestLimitExceeded", "Request limit exceeded."),
    "invalid": (401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
    "expired": (400, "ExpiredToken", "The security token included in the request is expired"),
}


@dataclass
class Organization:
    """What the simulated AWS holds; tests change it while it runs."""

    accounts: dict[str, str]
    """Name by id."""
    regions: tuple[str, ...]
    describe: Describe = nothing
    states: dict[str, str] = field(default_factory=dict)
    """State by id, where it is not ACTIVE."""
    units: dict[str, list[str]] = field(default_factory=dict)
    """Children by organizational unit: accounts and further units."""
    external_id: str = ""
    role: str = "vpn-exporter"
    latency: float = 0.0
    session_seconds: float = 3600.0
    denied: set[str] = field(default_factory=set)
    """Accounts whose role cannot be assumed."""
    hanging: set[str] = field(default_factory=set)
    """Accounts whose EC2 never answers."""
    throttled: set[str] = field(default_factory=set)
    mistaken: dict[str, str] = field(default_factory=dict)
    """Accounts whose role leads into another account."""
    listing_fails: bool = False
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By operation and account."""
    sessions: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    """Account and end, by access key."""
    hub_keys: set[str] = field(default_factory=set)
    """Access keys of the hub that are good; any, where there are none."""
    faults: dict[tuple[str, str], FaultName] = field(default_factory=dict)
    """What happens to an operation for an account, in place of the right answer."""


@dataclass(frozen=True)
class _RefusedError(Exception):
    status: int
    code: str
    message: str


class SimulatedOrganization:
    """Serves an Organization on a local port while the block runs."""

    def __init__(self, organization: Organization, port: int = 0) -> None:
        self.organization = organization
        self.port = port
        self._written: dict[tuple[str, str], tuple[object, bytes]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        started = threading.Event()

        async def start() -> None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=1024)
            self.port = self._server.sockets[0].getsockname()[1]
            started.set()

        def run() -> None:
            asyncio.set_event_loop(self._loop)
            self._loop.create_task(start())
            self._loop.run_forever()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.run_until_complete(asyncio.sleep(0.05))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        started.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: *(\d+)", head)
                body = await reader.readexactly(int(length[1])) if length else b""
                if self.organization.latency:
                    await asyncio.sleep(self.organization.latency)
                status, kind, answer, fault = await self._answer(head, body)
                head = b"HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (
                    status,
                    kind,
                    len(answer),
                )
                await _write(writer, head, answer, fault)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, head: bytes, body: bytes) -> tuple[int, bytes, bytes, FaultName | None]:
        credential = _CREDENTIAL.search(head)
        if not credential:
            return 400, b"text/plain", b"every call is signed", None
        key, region, service = (part.decode() for part in credential.groups())
        fault: FaultName | None = None
        try:
            account = self._account(key)
            if service == "organizations":
                operation = re.search(rb"(?i)x-amz-target: *\S+\.(\w+)", head)[1].decode()  # type: ignore[index]
                fault = await self._begin(operation, account)
                return 200, b"application/x-amz-json-1.1", self._organizations(operation, json.loads(body)), fault
            form = {name: value[0] for name, value in parse_qs(body.decode()).items()}
            operation = form["Action"]
            about = form["RoleArn"].split(":")[4] if operation == "AssumeRole" else account
            fault = await self._begin(operation, account, about)
            if operation == "DescribeVpnConnections":
                return 200, b"text/xml", await self._connections(account, region), fault
            answer = wire.answer(service, operation, getattr(self, f"_{operation}")(account, form), "r")
            return 200, b"text/xml", answer, fault
        except _RefusedError as refused:
            if service == "organizations":
                body = json.dumps({"__type": refused.code, "message": refused.message}).encode()
                return refused.status, b"application/x-amz-json-1.1", body, fault
            return refused.status, b"text/xml", wire.error(service, refused.code, refused.message, "r"), fault

    async def _begin(self, operation: str, account: str, about: str = "") -> FaultName | None:
        """Counts the call; its fault, unless that is a refusal, which is raised. `about` is a role's account."""
        self.organization.calls[operation, account] += 1
        fault = self.organization.faults.get((operation, about or account))
        if fault and fault in _REFUSALS:
            raise _RefusedError(*_REFUSALS[fault])
        if fault == "hang":
            await asyncio.sleep(3600)
        return fault

    def _account(self, key: str) -> str:
        if key in self.organization.sessions:
            account, ends = self.organization.sessions[key]
            if datetime.now(UTC) >= ends:
                raise _RefusedError(400, "RequestExpired", "Request has expired.")
            return account
        if self.organization.hub_keys and key not in self.organization.hub_keys:
            raise _RefusedError(*_REFUSALS["invalid"])
        return HUB

    def _organizations(self, operation: str, form: Mapping[str, str]) -> bytes:
        org = self.organization
        if org.listing_fails:
            raise _RefusedError(400, "AccessDeniedException", "You don't have permissions to access this resource.")
        children = org.units.get(form.get("ParentId", ""), [])
        if operation == "ListAccounts":
            found = list(org.accounts)
        elif operation == "ListAccountsForParent":
            found = [child for child in children if child in org.accounts]
        else:
            units = [{"Id": child} for child in children if child not in org.accounts]
            return json.dumps({"OrganizationalUnits": units}).encode()
        start = int(form.get("NextToken") or 0)
        page = [
            {"Id": one, "Name": org.accounts[one], "State": org.states.get(one, "ACTIVE"), "Status": "ACTIVE"}
            for one in found[start : start + 20]
        ]
        more = {"NextToken": str(start + 20)} if start + 20 < len(found) else {}
        return json.dumps({"Accounts": page, **more}).encode()

    async def _connections(self, account: str, region: str) -> bytes:
        org = self.organization
        if account in org.hanging:
            await asyncio.sleep(3600)
        if account in org.throttled:
            raise _RefusedError(503, "RequestLimitExceeded", "Request limit exceeded.")
        answer = org.describe(account, region)
        written = self._written.get((account, region))
        if written is None or written[0] is not answer:
            written = (answer, wire.answer("ec2", "DescribeVpnConnections", answer, "r"))
            self._written[account, region] = written
        return written[1]

    def _DescribeRegions(self, _account: str, _form: Mapping[str, str]) -> Mapping[str, object]:  # noqa: N802
        return {"Regions": [{"RegionName": region} for region in self.organization.regions]}

    def _DescribeCustomerGateways(self, _account: str, _form: Mapping[str, str]) -> Mapping[str, object]:  # noqa: N802
        return {"CustomerGateways": []}

    def _GetCallerIdentity(self, account: str, _form: Mapping[str, str]) -> Mapping[str, object]:  # noqa: N802
        return {"Account": account, "Arn": f"arn:aws:iam::{account}:user/demo", "UserId": "AIDADEMO"}

    def _AssumeRole(self, _account: str, form: Mapping[str, str]) -> Mapping[str, object]:  # noqa: N802
        org, arn = self.organization, form["RoleArn"]
        account, role = arn.split(":")[4], arn.rpartition("/")[2]
        right = role == org.role and form.get("ExternalId", "") == org.external_id
        if account not in org.accounts or account in org.denied or not right:
            raise _RefusedError(
                403, "AccessDenied", f"User: demo is not authorized to perform: sts:AssumeRole on {arn}"
            )
        account = org.mistaken.get(account, account)
        ends = datetime.now(UTC) + timedelta(seconds=org.session_seconds)
        key = f"ASIA{len(org.sessions):08}"
        org.sessions[key] = (account, ends)
        return {
            "AssumedRoleUser": {"Arn": f"arn:aws:sts::{account}:assumed-role/{role}/x", "AssumedRoleId": "A:x"},
            "Credentials": {
                "AccessKeyId": key,
                "SecretAccessKey": "not-a-real-key",
                "SessionToken": "not-a-real-token",
                "Expiration": ends,
            },
        }


async def _write(writer: asyncio.StreamWriter, head: bytes, answer: bytes, fault: FaultName | None) -> None:
    if fault == "reset":
        writer.transport.abort()
        raise ConnectionResetError
    if fault == "drip":
        writer.write(head)
        for number in range(len(answer)):
            writer.write(answer[number : number + 1])
            await writer.drain()
            await asyncio.sleep(2)
    if fault == "html":
        head, answer = b"HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n", b"<html>Bad gateway</html>"
    writer.write(head + (answer[: len(answer) // 2] if fault == "cut" else answer))
    await writer.drain()
    if fault == "cut":
        raise ConnectionResetError


def main() -> None:
    """Serves until the process is ended."""
    port, accounts, regions, latency, connections = (float(argument) for argument in sys.argv[1:6])
    names = {account: f"account {account}" for account in account_ids(int(accounts))}
    answer = Fleet(time.time, Scenario("", many(int(connections)))).describe(HOME_REGION)
    organization = Organization(names, REGIONS[: int(regions)], lambda _account, _region: answer, latency=latency)
    with SimulatedOrganization(organization, int(port)):
        threading.Event().wait()


if __name__ == "__main__":
    main()
