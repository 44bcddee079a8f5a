"""Credentials that stay good while the process runs, in the form in which botocore's signer takes them.

The default ones renew themselves where they come from a web identity, a container or an instance; where they come from
a file, the file is read again once it changes. Sessions of assumed roles are renewed in the background, ahead of their
end, by whoever holds them: a call to AWS never waits for STS.
"""

import random
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.credentials import Credentials, ReadOnlyCredentials, create_credential_resolver
from botocore.exceptions import NoCredentialsError
from botocore.session import Session

from aws_vpn_exporter.redaction import remember
from aws_vpn_exporter.target import Account, FailureCause, PollError

_chance = random.Random()  # noqa: S311  # nosec B311

_LIFETIME = 3600
"""Seconds; the most that AWS allows a role that assumes another one."""

_RENEWED_AFTER = (2 / 3, 4 / 5)
"""Shares of a session's life, drawn at random, so that a thousand accounts do not renew at once."""

_UNUSED = (60.0, 0.05)
"""The end of a session's life that no call starts in: at most so many seconds, and at most such a share."""

_SOONEST = 1.0
"""Seconds until a session is renewed, at the least: where the clocks here and at AWS differ, it seems over at once."""

SESSION_ENDED = frozenset(
    {
        *("ExpiredToken", "ExpiredTokenException", "RequestExpired"),
        *("InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure"),
    }
)
"""AWS's error codes for a session that has ended or is not valid any more, its role having been made anew say. The last
three are also those of a region that is not enabled."""


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
        frozen = found.get_frozen_credentials()
        remember("default credentials", (frozen.secret_key, frozen.token))
        return frozen

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


@dataclass(frozen=True, slots=True)
class RoleSession:
    """The credentials of an assumed role, and the Unix times in seconds of their life; `role` is Account.role."""

    credentials: ReadOnlyCredentials
    began_at: float
    ends_at: float
    role: tuple[str, str]

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """The credentials, in the way in which botocore's signer asks for them."""
        return self.credentials

    def is_good(self, now: float) -> bool:
        """Whether a call that starts now will be over before the session is."""
        seconds, share = _UNUSED
        return now < self.ends_at - min(seconds, share * (self.ends_at - self.began_at))

    def renew_in(self, now: float) -> float:
        """Seconds until the session should be renewed: well ahead of its end, and not all accounts at once."""
        life = self.ends_at - self.began_at
        return max(_SOONEST, self.began_at + life * _chance.uniform(*_RENEWED_AFTER) - now)


def assume(account: Account, sts: Any, now: float) -> RoleSession:
    """A new session of the account's role, asked for with an STS client at the Unix time `now`, in seconds.

    Raises PollError or what boto3 raises.
    """
    parameters: dict[str, Any] = {
        "RoleArn": account.role_arn,
        "RoleSessionName": "aws-vpn-exporter",
        "DurationSeconds": _LIFETIME,
    }
    remember(("external id", account.id), (account.external_id,))
    if account.external_id:
        parameters["ExternalId"] = account.external_id
    answer = sts.assume_role(**parameters)
    came_for = str(answer["AssumedRoleUser"]["Arn"]).split(":")[4]
    asked_for = account.role_arn.split(":")[4]
    if came_for != asked_for:
        raise PollError(FailureCause.CREDENTIALS, f"asked for a role in account {asked_for}, got one in {came_for}")
    credentials = answer["Credentials"]
    remember(("session", account.id), (credentials[key] for key in ("SecretAccessKey", "SessionToken")))
    ends: datetime = credentials["Expiration"]
    return RoleSession(
        ReadOnlyCredentials(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]),
        now,
        ends.timestamp(),
        account.role,
    )
