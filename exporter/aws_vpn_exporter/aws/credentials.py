"""Credentials that stay good while the process runs, in the form in which botocore's signer takes them.

Those of assumed roles are cached and renewed ahead of their end. The default ones renew themselves where they come from
a web identity, a container or an instance; where they come from a file, the file is read again once it changes.
"""

import random
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.credentials import Credentials, ReadOnlyCredentials, create_credential_resolver
from botocore.exceptions import NoCredentialsError
from botocore.session import Session

from aws_vpn_exporter.target import Account, FailureCause, PollError

_LIFETIME = 3600
"""Seconds; the most that AWS allows a role that assumes another one."""

_RENEWED_BEFORE_END = (600, 1200)
"""Seconds, drawn at random, so that a thousand accounts do not renew at once."""

_STILL_GOOD_FOR = 60


class DefaultCredentials:
    """What the standard AWS way finds."""

    def __init__(self, core: Session) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._found: Credentials | None = None
        self._stamps: list[object] = []

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """The credentials now. Raises what botocore raises, NoCredentialsError where there are none."""
        found = self.find()
        if found is None:
            raise NoCredentialsError
        return found.get_frozen_credentials()

    def find(self) -> Credentials | None:
        """Where the credentials come from; whether they are good, only AWS knows."""
        with self._lock:
            stamps = [_stamp(self._core.get_config_variable(name)) for name in ("credentials_file", "config_file")]
            if self._found is None or (stamps != self._stamps and self._found.method in _FROM_FILES):
                self._found, self._stamps = create_credential_resolver(self._core).load_credentials(), stamps
            return self._found


_FROM_FILES = ("shared-credentials-file", "config-file")


def _stamp(file: str) -> object:
    try:
        status = Path(file).expanduser().stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


class AssumedRole:
    """The credentials of one account's role."""

    def __init__(self, account: Account, assume: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """`assume` is AssumeRole of the STS API: its parameters to its answer."""
        self.account = account
        self._assume = assume
        self._lock = threading.Lock()
        self._current: ReadOnlyCredentials | None = None
        self._renew_at = self._ends_at = 0.0

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Credentials that are good for at least a minute. Raises PollError or what boto3 raises."""
        with self._lock:  # the account's other regions wait here rather than ask for the same
            now = time.time()
            if self._current is None or now >= self._renew_at:
                try:
                    self._current = self._renewed()
                except Exception:
                    if self._current is None or now >= self._ends_at - _STILL_GOOD_FOR:
                        raise
            return self._current

    def _renewed(self) -> ReadOnlyCredentials:
        parameters: dict[str, Any] = {
            "RoleArn": self.account.role_arn,
            "RoleSessionName": "aws-vpn-exporter",
            "DurationSeconds": _LIFETIME,
        }
        if self.account.external_id:
            parameters["ExternalId"] = self.account.external_id
        answer = self._assume(parameters)
        came_for = str(answer["AssumedRoleUser"]["Arn"]).split(":")[4]
        asked_for = self.account.role_arn.split(":")[4]
        if came_for != asked_for:
            raise PollError(FailureCause.CREDENTIALS, f"asked for a role in account {asked_for}, got one in {came_for}")
        credentials = answer["Credentials"]
        ends: datetime = credentials["Expiration"]
        self._ends_at = ends.timestamp()
        self._renew_at = self._ends_at - random.uniform(*_RENEWED_BEFORE_END)  # noqa: S311 - spreads load
        return ReadOnlyCredentials(
            credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]
        )
