"""Clients for AWS's APIs: the standard way of credentials, regions and endpoints; no secret in a log or an object.

There is one client for a service in a region, whatever the number of accounts: each call is signed with the
credentials of the account that it is about. So memory grows with regions, not with accounts.
"""

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import version
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.exceptions import BotoCoreError
from botocore.loaders import Loader

from aws_vpn_exporter import __version__
from aws_vpn_exporter.aws.answer import values, without_secrets
from aws_vpn_exporter.aws.credentials import DefaultCredentials, RoleSession, assume
from aws_vpn_exporter.aws.errors import poll_errors
from aws_vpn_exporter.target import Account, FailureCause, PollError

BOTO3_VERSION = version("boto3")

_MODELS = Path(__file__).parent / "models"
"""The EC2 API and the endpoints, cut down to what is in use: whole they cost 23 MB and 0.2 s (tools/models.py)."""

_MOST_CONNECTIONS = 192
"""Kept open to each service in a region: as many as there are threads of pollers that may ask it at once."""

_acting_as: ContextVar[RoleSession | None] = ContextVar("acting_as", default=None)


class CannotStartError(Exception):
    """Something without which the exporter can never work, such as credentials. The message is for a person."""


class Aws:
    """AWS, seen with the default credentials. Clients are made once and shared; all methods are safe in any thread."""

    def __init__(self, connect_timeout: float = 5, read_timeout: float = 10, tries: int = 1) -> None:
        """Timeouts are seconds for one try of a call. The exporter tries once, and again at the next poll.

        Raises CannotStartError where the AWS settings themselves are wrong, a missing profile say.
        """
        _quieten()
        try:
            core = botocore.session.Session()
            core.register_component("data_loader", _loader(core))
            # botocore alone reads AWS_DEFAULT_REGION only; AWS's other SDKs, and EKS, go by AWS_REGION.
            self.region: str | None = os.environ.get("AWS_REGION") or core.get_config_variable("region")
        except BotoCoreError as error:
            raise CannotStartError(f"the AWS settings cannot be used: {error}") from None
        self._core = core
        self._config = Config(
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            retries={"mode": "standard", "total_max_attempts": tries},
            user_agent_extra=f"aws-vpn-exporter/{__version__}",
            max_pool_connections=_MOST_CONNECTIONS,
        )
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, str]] = Counter()
        self._metrics_requested = 0
        self._default = DefaultCredentials(core)
        self._accounts: dict[str, Account] = {}
        self._sessions: dict[str, RoleSession] = {}
        self._home = ""
        core.register("before-parse.ec2", _read_answer)
        core.register("before-sign", self._sign)
        core.register("response-received", self._count)
        core.register("provide-client-params.cloudwatch.GetMetricData", self._count_metrics)

    def check_credentials(self) -> None:
        """Raises CannotStartError where there are no credentials at all; whether they are good, only AWS knows."""
        try:
            found = self._default.find()
        except BotoCoreError as error:
            raise CannotStartError(f"the AWS credentials cannot be used: {error}") from None
        if found is None:
            raise CannotStartError(
                "no AWS credentials found; looked in the environment (AWS_ACCESS_KEY_ID, AWS_PROFILE), in ~/.aws, at "
                "AWS_WEB_IDENTITY_TOKEN_FILE, and at the container's and instance's metadata services"
            )

    def client(self, service: str, region: str) -> Any:
        """The client for a service in a region."""
        with self._lock:
            key = (service, region)
            if key not in self._clients:
                self._clients[key] = self._core.create_client(service, region_name=region, config=self._config)
            return self._clients[key]

    def register_accounts(self, accounts: Iterable[Account], home: str) -> None:
        """Lets calls be made in these accounts; `home` is the region whose STS gives their roles' sessions.

        The session of an account whose role has changed stays in use until there is one of the new role.
        """
        self._home = home
        for account in accounts:
            if not account.role_arn:
                self._sessions.pop(account.id, None)
            self._accounts[account.id] = account

    def role_has_changed(self, account_id: str) -> bool:
        """Whether the account's session is of another role than the account has now."""
        session = self._sessions.get(account_id)
        return session is not None and session.role != self._accounts[account_id].role

    def assume_role(self, account_id: str) -> RoleSession:
        """A new session of the account's role, used from now on. Raises PollError."""
        with poll_errors(), _acting(None):
            session = assume(self._accounts[account_id], self.client("sts", self._home), time.time())
        self._sessions[account_id] = session
        return session

    def has_session(self, account_id: str) -> bool:
        """Whether calls can be made in the account: always, where it needs no role."""
        session = self._sessions.get(account_id)
        return not self._accounts[account_id].role_arn or (session is not None and session.is_good(time.time()))

    @contextmanager
    def acting_in(self, account_id: str) -> Iterator[None]:
        """Calls in this thread are made in the account.

        Raises PollError where there is no session of its role, and KeyError for an account that was not registered: the
        default credentials would show another account's data.
        """
        if not self.has_session(account_id):
            raise PollError(FailureCause.CREDENTIALS, "the account's role could not be assumed yet")
        with _acting(self._sessions.get(account_id)):
            yield

    def custom_endpoints(self) -> Mapping[str, str]:
        """Endpoints that the AWS settings name in place of AWS's public ones, by service."""
        profile = self._core.get_scoped_config()
        found = {
            service: ConfiguredEndpointProvider(self._core.full_config, profile, service).provide()
            for service in ("ec2", "sts", "organizations", "cloudwatch", "logs")
        }
        return {service: url for service, url in found.items() if url}

    def requests(self) -> Mapping[tuple[str, str, str], int]:
        """Requests sent so far, retries included, by service, operation and outcome."""
        with self._lock:
            return dict(self._requests)

    @property
    def metrics_requested(self) -> int:
        """Metrics that CloudWatch was asked for, and charges for, since start."""
        return self._metrics_requested

    def _count_metrics(self, **event: Any) -> None:
        if "NextToken" not in event["params"]:  # further pages of one request are not charged again
            with self._lock:
                self._metrics_requested += len(event["params"]["MetricDataQueries"])

    def _sign(self, **event: Any) -> None:
        event["request"].context.setdefault("signing", {})["request_credentials"] = _acting_as.get() or self._default

    def _count(self, **event: Any) -> None:
        response_dict: Mapping[str, Any] | None = event["response_dict"]
        service, operation = event["event_name"].split(".")[1:3]
        outcome = str(response_dict["status_code"]) if response_dict else "error"
        with self._lock:
            self._requests[service, operation, outcome] += 1


def _quieten() -> None:
    """Keeps bodies, signed headers and tracebacks out of the log: pre-shared keys and session tokens among them."""
    for name in ("boto3", "botocore", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It logs each refusal with a traceback; the poll that needed the credentials says it in one line.
    logging.getLogger("botocore.credentials").setLevel(logging.ERROR)


def _loader(core: botocore.session.Session) -> Loader:
    loader = Loader(extra_search_paths=[])
    loader.search_paths.insert(0, str(_MODELS))
    extra = core.get_config_variable("data_path")
    loader.search_paths.extend(str(extra).split(os.pathsep) if extra else [])
    return loader


@contextmanager
def _acting(session: RoleSession | None) -> Iterator[None]:
    token = _acting_as.set(session)
    try:
        yield
    finally:
        _acting_as.reset(token)


def _read_answer(**event: Any) -> None:
    """Cuts the secrets from every answer of EC2, and reads the large one in place of botocore, which gets it empty."""
    response, operation = event["response_dict"], event["operation_model"]
    response["body"] = without_secrets(response["body"])
    if operation.name == "DescribeVpnConnections" and response["status_code"] == 200:
        event["customized_response_dict"].update(values(response["body"], operation))
        response["body"] = b"<DescribeVpnConnectionsResponse/>"
