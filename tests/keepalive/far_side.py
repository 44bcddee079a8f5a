"""A program that runs in a network of its own, with a loopback and nothing else: the blackbox exporter and its hosts.

    unshare --net python far_side.py SOCKET BLACKBOX_EXPORTER OPTION...

SOCKET is the number of a listening socket from outside, through which the exporter is reached. A line on the standard
input, `silent` or `answering`, says what the hosts, all of 127.0.0.0/8, do from now on with a ping; it is repeated
once it is so. Ends with its input.
"""

import fcntl
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

IGNORE_PINGS = Path("/proc/sys/net/ipv4/icmp_echo_ignore_all")
FIRST_SOCKET = 3  # where a program that is given its sockets looks for them
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def main() -> None:
    os.dup2(int(sys.argv[1]), FIRST_SOCKET, inheritable=True)
    bring_loopback_up()
    take_socket = 'LISTEN_PID=$$ exec "$@" --web.systemd-socket --web.external-url=http://localhost/'
    exporter = subprocess.Popen(
        ["sh", "-c", take_socket, "sh", *sys.argv[2:]], pass_fds=[FIRST_SOCKET], env={**os.environ, "LISTEN_FDS": "1"}
    )
    for line in sys.stdin:
        IGNORE_PINGS.write_text("1" if line.strip() == "silent" else "0")
        print(line.strip(), flush=True)
    exporter.terminate()
    exporter.wait()


if __name__ == "__main__":
    main()
