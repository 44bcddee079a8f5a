"""Asks a blackbox exporter about hosts, again and again, as Prometheus would; runs within the lab.

    python prober.py HOST...

Writes a line for each answer: the host, and 1 or 0. Only the standard library is used.
"""

import re
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

ADDRESS = "127.0.0.1:9115"
_INTERVAL = 1.0


def probe(host: str) -> str:
    """Whether the host answered, as the exporter says; empty where the exporter does not answer itself."""
    try:
        with urllib.request.urlopen(f"http://{ADDRESS}/probe?module=icmp&target={host}", timeout=5) as answer:
            said = re.search(r"^probe_success (\d)$", answer.read().decode(), re.MULTILINE)
    except (urllib.error.URLError, TimeoutError):
        return ""
    return said[1] if said else ""


def keep_probing(host: str) -> None:
    while True:
        print(f"{host} {probe(host)}\n", end="", flush=True)
        time.sleep(_INTERVAL)


def main(hosts: list[str]) -> None:
    # Each on its own, as Prometheus does: a host that does not answer must not hold up the next one's ping.
    with ThreadPoolExecutor(len(hosts)) as probers:
        list(probers.map(keep_probing, hosts))


if __name__ == "__main__":
    main(sys.argv[1:])
