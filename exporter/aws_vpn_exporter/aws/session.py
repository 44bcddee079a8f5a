"""Clients for AWS's APIs: the standard way of credentials, regions and endpoints; no secret in a log or an object."""

import logging
import os
import re
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.exceptions import BotoCoreError

from aws_vpn_exporter import __version__

BOTO3_VERSION: str = boto3.__version__

_SECRETS = re.compile(
    rb"<(customerGatewayConfiguration|preSharedKey)\b[^>]*(?:/>|>.*?(?:</\1\s*>|\Z))", re.DOTALL | re.IGNORECASE
)
"""The elements that hold pre-shared keys, up to the end of the text where an answer is cut off inside one."""


class CannotStartError(Exception):
    """Something without which the exporter can never work, such as credentials. The message is for a person."""


class Aws:
    """The default credentials' view of AWS. Clients are made once and shared; all methods are safe in any thread."""

    def __init__(self, connect_timeout: float = 5, read_timeout: float = 10, tries: int = 3) -> None:
        """Timeouts are seconds for one try of a call.

        Raises CannotStartError where the AWS settings themselves are wrong, a missing profile say.
        """
        for name in ("boto3", "botocore", "urllib3"):
            # At DEBUG they print bodies and signed headers, pre-shared keys and session tokens among them.
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            # boto3 alone reads AWS_DEFAULT_REGION only; AWS's other SDKs, and EKS, go by AWS_REGION.
            self._session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
            self.region: str | None = self._session.region_name
        except BotoCoreError as error:
            raise CannotStartError(f"the AWS settings cannot be used: {error}") from None
        self._config = Config(
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            retries={"mode": "standard", "total_max_attempts": tries},
            user_agent_extra=f"aws-vpn-exporter/{__version__}",
            max_pool_connections=32,
        )
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, str]] = Counter()
        self._session.events.register("before-parse.ec2", _cut_secrets)
        self._session.events.register("response-received", self._count)

    def check_credentials(self) -> None:
        """Raises CannotStartError where there are no credentials at all; whether they are good, only AWS knows."""
        try:
            found = self._session.get_credentials()
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
                self._clients[key] = self._session.client(service, region_name=region, config=self._config)  # type: ignore[call-overload]
            return self._clients[key]

    def custom_endpoints(self) -> Mapping[str, str]:
        """Endpoints that the AWS settings name in place of AWS's public ones, by service."""
        session = self._session._session
        profile = session.get_scoped_config()
        found = {
            service: ConfiguredEndpointProvider(session.full_config, profile, service).provide()
            for service in ("ec2", "sts")
        }
        return {service: url for service, url in found.items() if url}

    def requests(self) -> Mapping[tuple[str, str, str], int]:
        """Requests sent so far, retries included, by service, operation and outcome."""
        with self._lock:
            return dict(self._requests)

    def _count(self, event_name: str, response_dict: Mapping[str, Any] | None, **_: object) -> None:
        service, operation = event_name.split(".")[1:3]
        outcome = str(response_dict["status_code"]) if response_dict else "error"
        with self._lock:
            self._requests[service, operation, outcome] += 1


def _cut_secrets(response_dict: dict[str, Any], **_: object) -> None:
    response_dict["body"] = _SECRETS.sub(b"", response_dict["body"])
