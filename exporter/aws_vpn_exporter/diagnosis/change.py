"""A change at AWS that a cause suggests: an operation of `aws ec2` and what it sets."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_vpn_exporter.diagnosis.case import Case
from aws_vpn_exporter.options import BY_NAME, OptionValue

MODIFY = "modify-vpn-tunnel-options"
REPLACE = "replace-vpn-tunnel"
ADD_ROUTE = "create-vpn-connection-route"

INTERRUPTING = (MODIFY, REPLACE)
"""Operations that take the tunnel down for minutes."""

_REQUEST_NAMES = {
    "IkeVersions": "IKEVersions",
    "DpdTimeoutSeconds": "DPDTimeoutSeconds",
    "DpdTimeoutAction": "DPDTimeoutAction",
}
"""Options that a request spells differently from an answer."""


@dataclass(frozen=True, slots=True)
class Change:
    """One operation on the case's tunnel or connection.

    `options` are tunnel options to set, by AWS's name; `from_file` names those whose value was only read in the
    device's configuration file. `sets_key` is whether a pre-shared key is set, from a file that a person writes.
    """

    operation: str
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    from_file: frozenset[str] = frozenset()
    sets_key: bool = False
    applies_pending: bool = False

    def line(self, case: Case, region: str) -> str:
        """The command, ready for a shell."""
        # The whole answer to a changed tunnel holds the pre-shared keys.
        shown = ("--query", "VpnConnection.State", "--output", "text") if self.operation == MODIFY else ()
        return aws(region, self.operation, "--vpn-connection-id", case.connection.id, *self._arguments(case), *shown)

    def _arguments(self, case: Case) -> tuple[str, ...]:
        if self.operation == ADD_ROUTE:
            return "--destination-cidr-block", "SITE_CIDR"
        tunnel = ("--vpn-tunnel-outside-ip-address", case.tunnel.outside_ip)
        if self.operation == REPLACE:
            return (*tunnel, "--apply-pending-maintenance") if self.applies_pending else tunnel
        if self.sets_key:
            return (*tunnel, "--tunnel-options", "file://tunnel-options.json")
        wanted = {_REQUEST_NAMES.get(name, name): _requested(name, value) for name, value in self.options.items()}
        return (*tunnel, "--tunnel-options", json.dumps(wanted))


def aws(region: str, operation: str, *arguments: str) -> str:
    """A command of the AWS CLI, each argument one word of the shell."""
    return shlex.join(["aws", "ec2", operation, "--region", region, *arguments])


def _requested(name: str, value: OptionValue) -> object:
    if not isinstance(value, tuple):
        return value
    numbers = BY_NAME[name].name.endswith("DHGroupNumbers")
    return [{"Value": int(word) if numbers else word} for word in value]
