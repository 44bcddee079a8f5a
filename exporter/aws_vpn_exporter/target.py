"""What is polled: accounts and targets, why a poll can fail, and what the poller knows of a target."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from aws_vpn_exporter.redaction import redacted

Answer = TypeVar("Answer")

UNKNOWN_ACCOUNT = "unknown"
"""The account id of a target until AWS has told whose credentials these are."""

ALL_REGIONS = "all"
"""In the configuration, every enabled region; as a target's region, those that could not be listed."""

Regions = tuple[str, ...] | str
"""Regions by name, or ALL_REGIONS."""


class FailureCause(StrEnum):
    """Why a poll failed: a closed set, each expected error belongs to one."""

    THROTTLED = "throttled"
    DENIED = "denied"
    REFUSED_BY_POLICY = "refused_by_policy"
    CREDENTIALS = "credentials"
    CLOCK_SKEW = "clock_skew"
    REGION = "region"
    TIMEOUT = "timeout"
    NETWORK = "network"
    SERVER_ERROR = "server_error"
    MALFORMED = "malformed"
    NOT_FOUND = "not_found"
    INTERNAL = "internal"


class PollError(Exception):
    """A poll that failed for an expected reason. The message is for a person and holds no secret.

    `code` is AWS's error code, "" where AWS gave none.
    """

    def __init__(self, cause: FailureCause, message: str, code: str = "") -> None:
        super().__init__(redacted(message))
        self.cause = cause
        self.code = code

    def __eq__(self, other: object) -> bool:
        """By what it says: an answer that fails in the same part as the one before says nothing new."""
        return isinstance(other, PollError) and self._said == other._said

    def __hash__(self) -> int:
        return hash(self._said)

    @property
    def _said(self) -> tuple[FailureCause, str, str]:
        return self.cause, str(self), self.code


@dataclass(frozen=True, slots=True)
class Account:
    """An account to watch, and how to get in: "" as `role_arn` means with the default credentials themselves."""

    id: str
    name: str = ""
    role_arn: str = ""
    external_id: str = ""
    regions: Regions = ALL_REGIONS

    @property
    def role(self) -> tuple[str, str]:
        """What a session of the account's role is asked for with: ARN and external id."""
        return self.role_arn, self.external_id


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """One account in one region: what one DescribeVpnConnections call covers."""

    account_id: str
    region: str

    def __str__(self) -> str:
        return f"{self.account_id}/{self.region}"


@dataclass(frozen=True, slots=True)
class Discovered:
    """What discovery found out about a target: its account's name ("" where it has none), and whether to poll it.

    `error` is why it cannot be polled; without one, that is not known yet.
    """

    account_name: str = ""
    pollable: bool = True
    error: PollError | None = None


@dataclass(frozen=True)
class PollStatus(Generic[Answer]):
    """What the poller knows of a target. Times are Unix times, `duration` (of the latest poll) is in seconds.

    `answer` is the last good one, None before the first and once it is too old; `last_success` is when it came, 0 for
    never. `failure` is set while the latest poll failed. `failures` counts failed polls by their cause.
    """

    target: Target
    account_name: str = ""
    answer: Answer | None = None
    failure: PollError | None = None
    polls: int = 0
    failures: Mapping[FailureCause, int] = field(default_factory=dict)
    last_success: float = 0.0
    duration: float = 0.0

    @property
    def up(self) -> bool:
        """Whether the latest poll gave a good answer."""
        return self.last_success > 0 and self.failure is None
