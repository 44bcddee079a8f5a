"""The simulated AWS on a local port.

- `simulated_aws`: `SimulatedAws`, the only name that others need
- `http_server`: reads requests and sends responses, intact or spoilt
- `calls`: what a call and a response are
- `ec2`, `sts`, `cloudwatch`, `logs`, `cloudtrail`, `servicequotas`: the operations of each
  service; `paging` serves some of them
- `active_faults`, `call_counts`: which calls fail now, and how many have come in
"""

from .simulated_aws import SimulatedAws

__all__ = ["SimulatedAws"]
