"""Service Quotas: GetServiceQuota and GetAWSDefaultServiceQuota for VPN connections."""

from collections.abc import Callable, Mapping

from ..backend import QuotaRecords
from ..faults import Refusal, RefusedError
from .calls import Call, Operations

DEFAULTS = {
    "L-3E6EC3A3": ("VPN connections per region", 50.0),
    "L-B91E5754": ("VPN connections per VGW", 10.0),
}
"""AWS's names and default values, by the code."""

_NO_SUCH_QUOTA = Refusal(
    400, "NoSuchResourceException", "The request failed because the specified resource was not found."
)


def operations(records: QuotaRecords) -> Operations:
    """Return the operations of Service Quotas. What was never raised has no applied value, as it may be at AWS."""

    def answering(value: Callable[[Call, str], float | None]) -> Callable[[Call], Mapping[str, object]]:
        def answer(call: Call) -> Mapping[str, object]:
            code = str(call.parameters.get("QuotaCode"))
            found = value(call, code) if call.parameters.get("ServiceCode") == "ec2" and code in DEFAULTS else None
            if found is None:
                raise RefusedError(_NO_SUCH_QUOTA)
            name = DEFAULTS[code][0]
            return {"Quota": {"ServiceCode": "ec2", "QuotaCode": code, "QuotaName": name, "Value": found}}

        return answer

    return {
        ("servicequotas", "GetServiceQuota"): answering(lambda call, code: records.quota(call.region, code)),
        ("servicequotas", "GetAWSDefaultServiceQuota"): answering(lambda _, code: DEFAULTS[code][1]),
    }
