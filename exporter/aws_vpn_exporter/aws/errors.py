"""What boto3 raises, as a PollError: each expected error belongs to one cause."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from aws_vpn_exporter.aws.time_limit import time_limit
from aws_vpn_exporter.target import FailureCause, PollError
from aws_vpn_exporter.wording import duration, remark

_CAUSES_BY_CODE = {
    FailureCause.THROTTLED: (
        "RequestLimitExceeded Throttling ThrottlingException ThrottledException RequestThrottled "
        "RequestThrottledException TooManyRequestsException BandwidthLimitExceeded EC2ThrottledException"
    ),
    FailureCause.DENIED: "UnauthorizedOperation AccessDenied AccessDeniedException Client.UnauthorizedOperation",
    FailureCause.CREDENTIALS: (
        "AuthFailure ExpiredToken ExpiredTokenException RequestExpired InvalidClientTokenId InvalidAccessKeyId "
        "UnrecognizedClientException MissingAuthenticationToken IncompleteSignature SignatureDoesNotMatch "
        "InvalidSignatureException InvalidIdentityToken IDPRejectedClaim TokenRefreshRequired Blocked "
        "PendingVerification"
    ),
    FailureCause.CLOCK_SKEW: "RequestTimeTooSkewed RequestInTheFuture",
    FailureCause.REGION: "OptInRequired InvalidRegion RegionDisabledException",
    FailureCause.NOT_FOUND: "ResourceNotFoundException NoSuchResourceException InvalidVpnConnectionID.NotFound",
    FailureCause.TIMEOUT: "RequestTimeout RequestTimeoutException",
}
_CAUSE_OF_CODE = {code: cause for cause, codes in _CAUSES_BY_CODE.items() for code in codes.split()}

_CAUSE_OF_TYPE: tuple[tuple[tuple[type[Exception], ...], FailureCause], ...] = (
    ((boto.ConnectTimeoutError, boto.ReadTimeoutError), FailureCause.TIMEOUT),
    ((boto.InvalidRegionError, boto.NoRegionError, boto.UnknownRegionError), FailureCause.REGION),
    ((boto.ConnectionError, boto.HTTPClientError, boto.IncompleteReadError), FailureCause.NETWORK),
    (
        (
            boto.NoCredentialsError,
            boto.PartialCredentialsError,
            boto.CredentialRetrievalError,
            boto.MetadataRetrievalError,
            boto.RefreshWithMFAUnsupportedError,
            boto.SSOError,
            boto.TokenRetrievalError,
            boto.NoAuthTokenError,
            boto.InfiniteLoopConfigError,
            boto.UnauthorizedSSOTokenError,
        ),
        FailureCause.CREDENTIALS,
    ),
)
_HINTS = {
    FailureCause.THROTTLED: "asked again later; if it stays, raise the intervals, or look who else calls this API",
    FailureCause.DENIED: "allow the action to this role; `aws-vpn-exporter iam-policy` prints what is needed",
    FailureCause.REFUSED_BY_POLICY: (
        "a policy of the organization refuses it, and no permission of this role can help; name the regions that it "
        "allows under `regions`, or have it exempt this role"
    ),
    FailureCause.CREDENTIALS: "renew or correct the credentials; a region that is not enabled says the same",
    FailureCause.CLOCK_SKEW: "the clock of this machine is off; let NTP set it",
    FailureCause.TIMEOUT: "look at the way to AWS: firewall, proxy, VPC endpoint",
    FailureCause.NETWORK: "look at the way to AWS: DNS, firewall, proxy, VPC endpoint",
    FailureCause.REGION: "enable the region in the account, or take it out of `regions`",
}
_BY_POLICY = re.compile(r"with an explicit deny in an? (service|resource) control policy")
"""How AWS says that an organization's policy refuses a call. Older messages do not give the reason."""

CALL_LIMIT = 25.0
"""Seconds that a call may take in all: longer than its time-outs for connecting and for the first byte together."""

_MOST_SKEW = 240
"""Seconds. AWS refuses signatures that are 5 minutes off (STS) or more."""


class MalformedAnswerError(ValueError):
    """An answer that does not have the documented form. The message is for a person and holds no secret."""


@contextmanager
def poll_errors(seconds: float = CALL_LIMIT) -> Iterator[None]:
    """Raises a PollError in place of whatever boto3 and the parser raise for expected reasons.

    What takes longer than so many seconds in all is a time-out.
    """
    with time_limit(seconds) as call, _translated():
        try:
            yield
        except Exception:
            if call.expired:
                raise _explained(FailureCause.TIMEOUT, f"no complete answer within {duration(seconds)}") from None
            raise


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise _refusal(error) from None
    except MalformedAnswerError as error:
        raise PollError(FailureCause.MALFORMED, remark(error)) from None
    except (ResponseParserError, ValueError, TypeError, RuntimeError, OverflowError, LookupError, AttributeError):
        # The parser's error quotes the answer's body, which may hold secrets: it must not reach a log.
        raise PollError(FailureCause.MALFORMED, "the answer is not one of this API") from None
    except BotoCoreError as error:
        raise _failure(error) from None


def _refusal(error: ClientError) -> PollError:
    reason, metadata = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    code, status = str(reason.get("Code", "")), int(metadata.get("HTTPStatusCode", 0))
    cause = _CAUSE_OF_CODE.get(code)
    if cause is None:
        cause = FailureCause.SERVER_ERROR if status >= 500 else FailureCause.DENIED if status == 403 else None
    if cause is FailureCause.CREDENTIALS and _skew(dict(metadata.get("HTTPHeaders", {}))) > _MOST_SKEW:
        cause = FailureCause.CLOCK_SKEW
    # Only the first line: AWS repeats the request, session token included, in later lines of some refusals.
    said = str(reason.get("Message", "")).partition("\n")[0].partition("The Canonical String")[0]
    if cause is FailureCause.DENIED and _BY_POLICY.search(said):
        cause = FailureCause.REFUSED_BY_POLICY
    return _explained(cause or FailureCause.MALFORMED, f"{error.operation_name}: {code}: {said}", code)


def _failure(error: BotoCoreError) -> PollError:
    for types, cause in _CAUSE_OF_TYPE:
        if isinstance(error, types):
            return _explained(cause, str(error))
    return _explained(FailureCause.INTERNAL, f"{type(error).__name__}: {error}")


def _explained(cause: FailureCause, said: str, code: str = "") -> PollError:
    hint = _HINTS.get(cause)
    return PollError(cause, remark(said) + (f" ({hint})" if hint else ""), code)


def _skew(headers: dict[str, str]) -> float:
    """How many seconds this machine's clock is off AWS's, by the answer's Date; 0 where it has none."""
    try:
        theirs = parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return 0.0
    return abs((datetime.now(UTC) - theirs).total_seconds())
