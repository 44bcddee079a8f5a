"""How AWS fails: the faults that the simulated AWS can show, and the words in which the real one does.

Codes, statuses and messages follow the error code pages of the services' API references and messages that
operators have published. Where the services differ, each has its own words.
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
    "server_error",  # 500, and says so in XML
    "server_error_html",  # 500 with the HTML page of a load balancer
    "proxy_html",  # 502 with the HTML page of a proxy, which botocore cannot read at all
    "hang",  # the request is read, and not answered until the fault is healed
    "slow",  # the answer comes after some seconds
    "reset",  # the connection is reset (RST)
    "short",  # the connection closes before Content-Length bytes have come
    "truncated",  # a complete response, whose XML is cut off in the middle
    "empty",  # 200 and nothing else
]
FAULT_NAMES: tuple[FaultName, ...] = get_args(FaultName)

CLOCK_SKEW_SECONDS = 20 * 60


@dataclass(frozen=True)
class Refusal:
    """An error answer. The message may use {service}, {operation} and {account_id}."""

    status: int
    code: str
    message: str


class RefusedError(Exception):
    """An answer that cannot be given, and how the service says so."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


_DENIED = (
    "User: arn:aws:iam::{account_id}:user/demo is not authorized to perform: {service}:{operation} "
    "because no identity-based policy allows the {service}:{operation} action"
)
# EC2 says the same whether clock, region or key is at fault; only the Date header tells a wrong clock apart.
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
    # CloudWatch keeps the codes of its query protocol in every protocol that it speaks, and they are STS's.
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


def refusal(service: str, fault: FaultName) -> Refusal | None:
    """Give the words of one service for a fault; None for the faults that are no refusals."""
    return _BY_SERVICE.get(service, _EC2).get(fault)
