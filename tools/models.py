"""Writes the cut-down descriptions of AWS that the exporter loads in place of botocore's whole ones.

Of the EC2 API only the operations in use are kept, without documentation, and without the members that hold pre-shared
keys. Of the endpoints only those of the services in use are kept: the whole list takes 7 MB of memory. The descriptions
are botocore's (Apache-2.0).
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.loaders import Loader

from tools.generated import ROOT, main

OPERATIONS = (
    "DescribeCustomerGateways",
    "DescribeRegions",
    "DescribeVpnConnections",
    "GetActiveVpnTunnelStatus",
    "GetVpnTunnelReplacementStatus",
)
SECRETS = {("VpnConnection", "CustomerGatewayConfiguration"), ("TunnelOption", "PreSharedKey")}
SERVICES = ("cloudtrail", "ec2", "logs", "monitoring", "organizations", "servicequotas", "sts")
"""By the names that AWS's endpoints have; `monitoring` is CloudWatch."""

FOLDER = ROOT / "exporter" / "aws_vpn_exporter" / "aws" / "models"


def pruned() -> tuple[str, dict[str, Any]]:
    """The API's version and its description, cut down."""
    loader = Loader()
    version = loader.determine_latest_version("ec2", "service-2")
    whole = loader.load_service_model("ec2", "service-2", version)
    operations = {name: _bare(whole["operations"][name]) for name in OPERATIONS}
    shapes: dict[str, Any] = {}
    waiting = list(_names(operations))
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shape = _bare(whole["shapes"][name])
            for member in [member for owner, member in SECRETS if owner == name]:
                del shape["members"][member]
            shapes[name] = shape
            waiting.extend(_names(shape))
    return version, {
        "version": "2.0",
        "metadata": whole["metadata"],
        "operations": operations,
        "shapes": dict(sorted(shapes.items())),
    }


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _bare(item) for key, item in value.items() if not (key == "documentation" and isinstance(item, str))
        }
    return [_bare(item) for item in value] if isinstance(value, list) else value


def _names(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(_names, value))
    if not isinstance(value, dict):
        return set()
    own = {value["shape"]} if isinstance(value.get("shape"), str) else set()
    return own.union(*map(_names, value.values()))


def generated() -> Mapping[Path, str]:
    """The descriptions' files, EC2's in a folder named for the API's version, and their texts."""
    version, description = pruned()
    return {
        FOLDER / "ec2" / version / "service-2.json": json.dumps(description, indent=1) + "\n",
        FOLDER / "endpoints.json": json.dumps(endpoints(), indent=1) + "\n",
    }


def endpoints() -> dict[str, Any]:
    """Every partition with its regions, and the endpoints of the services in use."""
    whole: dict[str, Any] = Loader().load_data("endpoints")
    for partition in whole["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in SERVICES if name in services}
    return whole


if __name__ == "__main__":
    sys.exit(main(__doc__, generated()))
