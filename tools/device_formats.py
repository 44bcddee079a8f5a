"""Writes docs/DEVICES.md: which configuration files of customer gateways are read, from what, and what is not."""

import sys
from collections.abc import Mapping
from pathlib import Path

from aws_vpn_exporter.devices import READERS
from aws_vpn_exporter.devices.settings import READABLE
from aws_vpn_exporter.options import BY_NAME
from tools.generated import ROOT, main

HEAD = """\
# Device files

<!-- Written by tools/device_formats.py from the readers in exporter/aws_vpn_exporter/devices/: change it there, then
run `make generate`. -->

A customer gateway's own configuration can be read instead of stating its values by hand: by `aws-vpn-exporter compare`,
or as `device_file` of a policy. Its name does not matter; the format is recognised by what is in it.

"""

RULES = """\

What is not read is unknown, and never a value:

- Only what is in force counts. A crypto map that no interface carries, an interface that is shut down, a tunnel of
  another VRF than the interface it starts from, a peer that is disabled and a conn that is not loaded are left out,
  and said.
- Several peers at one address count as far as all of them state an option. Where two state different values, nothing
  is taken.
- `include` is followed in swanctl.conf and ipsec.conf, below the folder of the first file, as are sections that others
  take settings over from. Wildcards may stand in the file's name only. While anything of it cannot be read, no default
  counts for what may be set there.
- An option of which a part is not understood counts as not stated. `compare` and `check-config` name the line.
- Keys and passwords are not looked at, and no text of the file is repeated beyond the names of connections.
- A file is at most 1 MiB, with all that it includes.

## What a comparison says

| word | means | exit code |
|---|---|---|
| `same` | AWS permits what the device is set to | 0 |
| `harmless` | the two differ, and nothing follows: the device renews its keys first, or nothing is negotiated | 0 |
| `doubtful` | it may matter, for all that is known: the two sets overlap, or the IKE version in use is not known | 0 |
| `differs` | the two cannot agree, or keys may not be renewed in time; the line says which side can be changed | 1 |
| `not stated` | the file does not say, or it could not be read | 0 |

A tunnel whose address no peer in force has gives exit code 2. AWS's limits bound AWS's options only: a device may well
have 86400 seconds, and then only the device can be changed. No change at AWS is advised from a file alone.

## Notes

- AWS's lifetime is the moment at which a security association ends, so that of strongSwan is the time at which it
  closes one: `rekey_time = 1h` alone is 3960 seconds, `life_time = 1h` is AWS's 3600. Where closing comes more than a
  tenth later than the rekey and beyond AWS's limits, the time of the rekey counts.
- Dead peer detection: only a time-out of IKEv1 is one. With IKEv2 it follows from retransmissions that the file does
  not have.
- Phase 2 without a Diffie-Hellman group is shown as `none`, which AWS does not permit.
- GCM has no integrity algorithm in phase 1, only a pseudo-random function, for which AWS has no option.
"""


def page() -> str:
    """docs/DEVICES.md."""
    options = ", ".join(f"`{BY_NAME[name].key}`" for name in READABLE)
    rows = "".join(f"| {reader.title} | {reader.reads} | {reader.defaults} |\n" for reader in READERS)
    table = f"| format | read from | taken where nothing is set |\n|---|---|---|\n{rows}"
    return f"{HEAD}{table}\nOptions:\n{options}.\n{RULES}"


def generated() -> Mapping[Path, str]:
    """The document and its text."""
    return {ROOT / "docs" / "DEVICES.md": page()}


if __name__ == "__main__":
    sys.exit(main(__doc__, generated()))
