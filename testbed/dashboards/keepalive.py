"""What the keepalive's pings would tell of the demo's fleet."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client.parser import text_string_to_metric_families

RTT = 0.031
"""Seconds. The second host is further away."""


@contextmanager
def pings(page: str) -> Iterator[str]:
    """The address of a server that tells of pings through each connection and tunnel on a page of the exporter."""
    body = "".join(_lines(page)).encode()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def _lines(page: str) -> Iterator[str]:
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name not in ("aws_vpn_connection_tunnels_up", "aws_vpn_tunnel_up"):
                continue
            labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
            up = float(sample.value > 0)
            yield f"probe_success{{{labels}}} {up}\n"
            yield f'probe_icmp_duration_seconds{{{labels},phase="rtt"}} {RTT * up}\n'
