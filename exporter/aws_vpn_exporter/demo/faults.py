"""The faults that a call to the simulated AWS can meet, and the error answers of the real services for them.

Statuses, codes and messages follow the error code pages of the services' API references, and messages that operators
have published. Where the services differ, each has its own.
"""

from dataclasses import dataclass
from typing import Literal, get_args

FaultName = Literal[
    "denied",  # the IAM policy does not allow the call
    "throttled",  # too many calls for this account and region
    "expired_token",  # the temporary credentials have run out
    "clock_skew",  # the caller's clock is wrong: the Date header of the answer is 20 minutes behind it
    "opt_in_region",  # the region is not enabled for the account
    "opt_in_required",  # the account is not subscribed to the service
    "server_error",  # status 500 with an error code
    "server_error_html",  # status 500 with the HTML page of a load balancer
    "proxy_html",  # status 502 with the HTML page of a proxy, which botocore cannot read
    "portal_html",  # status 200 with the well-formed page of another program, which botocore takes for an empty answer
    "hang",  # the request is read, and the connection is closed without an answer when the fault is ended
    "slow",  # the answer comes after some seconds
    "reset",  # the connection is reset (RST)
    "short",  # the connection closes after fewer bytes than Content-Length announces
    "truncated",  # a complete HTTP response whose body is cut off in the middle
    "empty",  # status 200 with an empty body
]
FAULT_NAMES: tuple[FaultName, ...] = get_args(FaultName)

CLOCK_SKEW_SECONDS = 20 * 60


@dataclass(frozen=True)
class Refusal:
    """An error answer: HTTP status, error code, and a message that may use {service}, {operation} and {account_id}."""

    status: int
    code: str
    message: str


class RefusedError(Exception):
    """Raised by an operation that the service refuses."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


_DENIED = (
    "User: arn:aws:iam::{account_id}:user/demo is not authorized to perform: {service}:{operation} "
    "because no identity-based policy allows the {service}:{operation} action"
)
# EC2 gives the same error for a wrong clock, region or key; only the Date header shows that it is the clock.
_EC2_AUTH_FAILURE = Refusal(401, "AuthFailure", "AWS was not able to validate the provided access credentials")
_OPT_IN_REQUIRED = Refusal(403, "OptInRequired", "You are not subscribed to this service.")

_EC2: dict[FaultName, Refusal] = {
    "denied": Refusal(403, "UnauthorizedOperation", f"You are not authorized to perform this operation. {_DENIED}"),
    "throttled": Refusal(503, "RequestLimitExceeded", "Request limit exceeded."),
    "expired_token": Refusal(400, "RequestExpired", "Request has expired."),
    "clock_skew": _EC2_AUTH_FAILURE,
    "opt_in_region": _EC2_AUTH_FAILURE,
    "opt_in_required": _OPT_IN_REQUIRED,
    "server_error": Refusal(500, "InternalError", "An internal error has occurred"),
}
_STS: dict[FaultName, Refusal] = {
    "denied": Refusal(403, "AccessDenied", _DENIED),
    "throttled": Refusal(400, "Throttling", "Rate exceeded"),
    "expired_token": Refusal(403, "ExpiredToken", "The security token included in the request is expired"),
    "clock_skew": Refusal(
        403,
        "SignatureDoesNotMatch",
        "Signature not yet current: 20300101T120000Z is still later than 20300101T114500Z (20300101T114000Z + 5 min.)",
    ),
    "opt_in_region": Refusal(403, "InvalidClientTokenId", "The security token included in the request is invalid"),
    "opt_in_required": _OPT_IN_REQUIRED,
    "server_error": Refusal(500, "InternalFailure", "The request could not be processed."),
}

_LOGS: dict[FaultName, Refusal] = {
    "denied": Refusal(400, "AccessDeniedException", _DENIED),
    "throttled": Refusal(400, "ThrottlingException", "Rate exceeded"),
    "expired_token": Refusal(400, "ExpiredTokenException", "The security token included in the request is expired"),
    "clock_skew": Refusal(
        400,
        "InvalidSignatureException",
        "Signature not yet current: 20300101T120000Z is still later than 20300101T114500Z (20300101T114000Z + 5 min.)",
    ),
    "opt_in_region": Refusal(
        400, "UnrecognizedClientException", "The security token included in the request is invalid."
    ),
    "opt_in_required": _OPT_IN_REQUIRED,
    "server_error": Refusal(500, "ServiceUnavailableException", "The service cannot complete the request."),
}
_BY_SERVICE: dict[str, dict[FaultName, Refusal]] = {
    "ec2": _EC2,
    "sts": _STS,
    "logs": _LOGS,
    "servicequotas": {
        **_LOGS,
        "throttled": Refusal(400, "TooManyRequestsException", "Rate exceeded"),
        "server_error": Refusal(500, "ServiceException", "Something went wrong."),
    },
    # CloudWatch uses the codes of its query protocol in every protocol. They are the same as those of STS.
    "cloudwatch": {**_STS, "server_error": Refusal(500, "InternalServiceFault", "The request processing has failed.")},
}

LOAD_BALANCER_PAGE = (
    b"<html>\r\n<head><title>500 Internal Server Error</title></head>\r\n"
    b"<body>\r\n<center><h1>500 Internal Server Error</h1></center>\r\n</body>\r\n</html>\r\n"
)
PROXY_PAGE = (
    b'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>Bad gateway</title></head>\n'
    b"<body><h1>Bad gateway</h1><p>The proxy had no valid answer.<br>Try again later.</p></body>\n</html>\n"
)
PORTAL_PAGE = b"<html><head><title>Welcome</title></head><body><p>Please log in to this network.</p></body></html>\n"


def refusal(service: str, fault: FaultName) -> Refusal | None:
    """Return the error answer of one service for a fault; None for a fault that is no error answer."""
    return _BY_SERVICE.get(service, _EC2).get(fault)
