"""Namespaces of the lab's own: network, processes and mounts, in which programs run and with which they vanish."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab import inside

CHARON = Path("/usr/lib/ipsec/charon")
_PLUGINS = {"kernel-libipsec": "libcharon-extra-plugins", "openssl": "libstrongswan-standard-plugins"}
_PROGRAMS = {
    "unshare": "util-linux",
    "ip": "iproute2",
    "ping": "iputils-ping",
    "nft": "nftables",
    "bird": "bird2",
    "swanctl": "strongswan-swanctl",
    "pki": "strongswan-pki",
}
"""What the lab calls, and the Debian package that has it."""

PACKAGES = frozenset({"strongswan-charon", *_PLUGINS.values(), *_PROGRAMS.values()})
"""Everything that the lab needs of Debian."""

_SYSTEM_FOLDERS = "/usr/sbin:/sbin"
"""Where Debian keeps some of them; a person's PATH often lacks these."""

_OWN_RUN = (
    f"exec 9<{inside.ROOM}; mount -t tmpfs none /run; mkdir {inside.ROOM}; "
    f'mount --no-canonicalize --bind /proc/self/fd/9 {inside.ROOM}; exec "$@" 9<&-'
)
"""Gives a program a /run of its own but for the lab's files: every charon writes the same /run/charon.pid."""

_UNSHARE = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


class LabError(Exception):
    """The lab cannot run here, or a program in it failed. The message is for a person."""


def path() -> str:
    """PATH with the folders in which system programs lie."""
    return f"{os.environ.get('PATH', os.defpath)}:{_SYSTEM_FOLDERS}"


def obstacle() -> str:
    """Why the lab cannot run on this machine, as one sentence; empty where it can."""
    if sys.platform != "linux":
        return "the lab needs Linux: it is made of network namespaces"
    missing = _missing_packages()
    if missing:
        return f"the lab needs the Debian packages {' '.join(missing)}"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "the lab needs the device /dev/net/tun, readable and writable by this user"
    tried = subprocess.run([*_unshare(), "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"the lab needs namespaces of its own, as root or in a user namespace: {tried.stderr.strip()}"
    return ""


def _missing_packages() -> list[str]:
    missing = {package for program, package in _PROGRAMS.items() if not shutil.which(program, path=path())}
    missing |= {package for name, package in _PLUGINS.items() if not _plugin(name).exists()}
    return sorted(missing if CHARON.exists() else missing | {"strongswan-charon"})


def _plugin(name: str) -> Path:
    return CHARON.parent / "plugins" / f"libstrongswan-{name}.so"


def _unshare() -> list[str]:
    found = shutil.which("unshare", path=path()) or "unshare"
    own_user = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    return [found, *own_user, *_UNSHARE]


class Namespaces:
    """Runs programs in namespaces that exist between `with` and its end, or until this process ends in any way."""

    def __enter__(self) -> Self:
        reason = obstacle()
        if reason:
            raise LabError(reason)
        self._outer = subprocess.Popen(
            [*_unshare(), sys.executable, inside.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PATH": path()},
            start_new_session=True,
        )
        assert self._outer.stdout
        if self._outer.stdout.readline() != b"ready\n":
            self.__exit__(None, None, None)
            raise LabError("the lab's first process did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._outer.stdin
        assert self._outer.stdout
        self._outer.stdin.close()
        self._outer.wait()
        self._outer.stdout.close()

    @property
    def pid(self) -> int:
        """A process, seen from outside, that ends when the namespaces do."""
        return self._outer.pid

    def outside(self, inner: Path) -> Path:
        """Where a file of the lab lies for a process outside of it, also a Unix socket."""
        return Path(f"/proc/{self.pid}/root{inner}")

    def run(self, namespace: str, *command: str, given: str | None = None, check: bool = True) -> str:
        """Run a program to its end in a network namespace ("" is the first one), and give all that it wrote.

        Raises LabError where it fails, unless `check` is False.
        """
        answer = self._ask({"run": [*_in(namespace), *command], "input": given})
        if check and answer["code"]:
            raise LabError(f"{' '.join(command)} failed in {namespace or 'the lab'}: {answer['output'].strip()}")
        return str(answer["output"])

    def succeeds(self, namespace: str, *command: str) -> bool:
        """Whether a program ends well in a network namespace."""
        return bool(self._ask({"run": [*_in(namespace), *command]})["code"] == 0)

    def batch(self, namespace: str, commands: Iterable[str]) -> None:
        """Run commands of `ip` in a network namespace."""
        inside_of = ("-n", namespace) if namespace else ()
        self.run("", "ip", *inside_of, "-batch", "-", given="\n".join(commands) + "\n")

    def start(self, namespace: str, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> int:
        """Start a program that goes on, with an empty /run of its own; what it writes goes to `log`, a path inside."""
        shell = [*_in(namespace), "unshare", "--mount", "sh", "-c", _OWN_RUN, "sh", *command]
        return int(self._ask({"start": shell, "log": str(log), "env": dict(env or {})})["pid"])

    def end(self, pid: int, signal: int) -> int:
        """Send a signal to a program that was started, and wait for its end; its exit code."""
        return int(self._ask({"signal": signal, "pid": pid})["code"])

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.outside(inside.SOCKET)))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as answer:
                return dict(json.loads(answer.read()))


def _in(namespace: str) -> Sequence[str]:
    return ("ip", "netns", "exec", namespace) if namespace else ()
