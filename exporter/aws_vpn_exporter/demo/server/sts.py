"""The Security Token Service (STS)."""

from collections.abc import Mapping

from .calls import Call, Operations


def operations(account_id: str) -> Operations:
    """Return the operations of STS for one account."""

    def get_caller_identity(_: Call) -> Mapping[str, object]:
        return {
            "UserId": "AIDAEXAMPLEEXAMPLE000",
            "Account": account_id,
            "Arn": f"arn:aws:iam::{account_id}:user/demo",
        }

    return {("sts", "GetCallerIdentity"): get_caller_identity}
