"""The exporter's web server about pages of any size, without an AWS: `python -m testbed.page_server PORT BYTES [WEB]`.

WEB is a web configuration file. Each rendering gives another page, as polls do.
"""

import logging
import sys
import time
from collections.abc import Collection
from pathlib import Path

from aws_vpn_exporter import log_format
from aws_vpn_exporter.policy import Settings
from aws_vpn_exporter.status import TargetStatus
from aws_vpn_exporter.web import server
from aws_vpn_exporter.web.app import application
from aws_vpn_exporter.web.config import WebConfigFile
from aws_vpn_exporter.web.reloading import Reloads

LINE = 'aws_vpn_tunnel_up{account_id="123456789012",region="eu-west-1",tunnel_ip="203.0.113.%d"} 1\n'


class LargePages:
    """Pages of so many bytes."""

    ready = True
    settings = Settings()

    def __init__(self, size: int) -> None:
        self._body = "".join(LINE % number for number in range(max(1, size // len(LINE))))

    def statuses(self) -> list[TargetStatus]:
        return []

    def metrics(self, content_type: str, names: Collection[str] = ()) -> bytes:
        return f"{self._body}written {time.time_ns()}\n".encode()


def main() -> None:
    """Serves until SIGTERM."""
    port, size, *web = sys.argv[1:]
    log_format.setup("info", "logfmt")
    config = WebConfigFile(Path(web[0]) if web else None)
    reloads = Reloads(lambda: logging.getLogger(__name__).info("reloaded"))
    app = application(LargePages(int(size)), config, reloads)
    server.serve(app, [server.listening(f"127.0.0.1:{port}")], config.tls, reloads.request)


if __name__ == "__main__":
    main()
