"""A device that gives packets back later, or loses them: the delay that this kernel has no queue for.

    python relay.py SECONDS LOSS

LOSS is a share between 0 and 1. Runs in a network namespace and has the device DEVICE there, until it is ended. Only
the standard library is used.
"""

import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time
from itertools import count

DEVICE = "wan0"
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_LARGEST = 65536


def main(delay: float, loss: float) -> None:
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), _IFF_TUN | _IFF_NO_PI))
    waiting: list[tuple[float, int, bytes]] = []
    order = count()
    while True:
        left = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        if select.select([tun], [], [], left)[0]:
            packet = os.read(tun, _LARGEST)
            if random.random() >= loss:
                heapq.heappush(waiting, (time.monotonic() + delay, next(order), packet))
        while waiting and waiting[0][0] <= time.monotonic():
            os.write(tun, heapq.heappop(waiting)[2])


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]))
