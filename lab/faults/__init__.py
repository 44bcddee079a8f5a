"""The faults that the lab shows, by name: a file for each subject, and one list of them."""

from lab.faults import device, identity, line, rekeying, routing
from lab.faults.base import Fault, Remedy, Stage

__all__ = ["FAULTS", "Fault", "Remedy", "Stage"]

FAULTS = {fault.name: fault for room in (device, rekeying, identity, line, routing) for fault in room.FAULTS}
