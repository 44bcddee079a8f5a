"""What Prometheus would get, again and again: `python -m tests.helm.watched NAMESPACE LABEL=VALUE,...`, on a node.
`Rounds` reads what it writes.

It finds the pods as a ServiceMonitor does, through the endpoints of the services with these labels, terminating pods
included, asks each for its metrics, and writes one line of JSON per round until it is killed:

    {"at": 12.3, "pods": {"vpn-0": ["eu-west-1", ...], ...}, "times_found": {"vpn-0": 1, ...}}

`at` is in seconds; `pods` holds the regions whose connections the pod shows.
"""

import json
import re
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

API = "https://127.0.0.1:6443/api/v1"
TOKEN = "admin-token"

_SHOWN = re.compile(r'^aws_vpn_connection_tunnels_up\{.*?region="([^"]+)"', re.MULTILINE)
_ANY_CERTIFICATE = ssl.create_default_context()
_ANY_CERTIFICATE.check_hostname = False
_ANY_CERTIFICATE.verify_mode = ssl.CERT_NONE


def api(path: str) -> Any:
    request = urllib.request.Request(f"{API}{path}", headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=5, context=_ANY_CERTIFICATE) as answer:
        return json.load(answer)


def addresses(namespace: str, labels: str) -> list[tuple[str, str]]:
    """Pod name and `address:port`, as often as they are found."""
    found = []
    for endpoints in api(f"/namespaces/{namespace}/endpoints?labelSelector={labels}")["items"]:
        for subset in endpoints.get("subsets", ()):
            (port,) = (port["port"] for port in subset["ports"])
            every = [*subset.get("addresses", ()), *subset.get("notReadyAddresses", ())]
            found += [(one["targetRef"]["name"], f"{one['ip']}:{port}") for one in every]
    return found


def regions(address: str) -> list[str]:
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
            return sorted(set(_SHOWN.findall(answer.read().decode())))
    except OSError:
        return []  # it is starting, or has ended since


class Rounds:
    """What this module, as a process, has written so far."""

    def __init__(self, process: subprocess.Popen[str], wanted: Iterable[str]) -> None:
        """`wanted` are the regions that some pod has to show all the time."""
        assert process.stdout
        self.found: list[dict[str, Any]] = []
        self._lines = process.stdout
        self._wanted = set(wanted)
        threading.Thread(target=self._read, daemon=True).start()

    def pods(self) -> dict[str, list[str]]:
        """Each pod's regions, in the last round."""
        return dict(self.found[-1]["pods"]) if self.found else {}

    def all_watched(self) -> bool:
        """Whether every region was shown in the last round."""
        return bool(self.found) and not self._missing(self.found[-1])

    def unwatched(self) -> list[tuple[float, set[str]]]:
        """Rounds without a region, after the first that had all: the seconds since that one, and what was missing."""
        rounds = list(self.found)
        while rounds and self._missing(rounds[0]):
            rounds.pop(0)
        return [(one["at"] - rounds[0]["at"], self._missing(one)) for one in rounds if self._missing(one)]

    def most_times_found(self) -> int:
        """How often a pod was found in one round, at most."""
        return max(int(times) for one in self.found for times in one["times_found"].values())

    def _read(self) -> None:
        self.found.extend(json.loads(line) for line in self._lines)

    def _missing(self, one: Mapping[str, Any]) -> set[str]:
        return self._wanted - {region for shown in one["pods"].values() for region in shown}


def main() -> None:
    namespace, labels = sys.argv[1:]
    with ThreadPoolExecutor(16) as pool:
        while True:
            found = addresses(namespace, labels)
            pods = dict(found)
            shown = dict(zip(pods, pool.map(regions, pods.values()), strict=True))
            line = {"at": time.monotonic(), "pods": shown, "times_found": Counter(name for name, _ in found)}
            print(json.dumps(line), flush=True)
            time.sleep(0.1)


if __name__ == "__main__":
    main()
