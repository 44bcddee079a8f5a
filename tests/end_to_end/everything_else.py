"""An AWS endpoint that hands calls on to the simulated AWS, and answers what that does not know as if it were empty.

The AWS CLI has then read, checked and sent the command, and read an answer in the service's protocol.
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.error import HTTPError
from urllib.parse import parse_qs
from urllib.request import Request, urlopen

_UNKNOWN = (b"InvalidAction", b"UnknownOperationException")


class EverythingElse:
    """The endpoint, from entering it to its end; `behind` is the simulated AWS's address."""

    def __init__(self, behind: str) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(behind))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(behind: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, kind, answer = _ask(behind, self.path, dict(self.headers), body)
            if status >= 400 and (self.path != "/" or any(word in answer for word in _UNKNOWN)):
                status, kind, answer = _empty(body)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the parent's
            """Say nothing."""

    return Handler


def _ask(behind: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
    kept = {name: value for name, value in headers.items() if name.lower() not in ("host", "content-length")}
    try:
        with urlopen(Request(behind + path, body, kept, method="POST"), timeout=20) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.headers["Content-Type"], refusal.read()


def _empty(body: bytes) -> tuple[int, str, bytes]:
    action = parse_qs(body.decode(errors="replace")).get("Action")
    if not action:
        return 200, "application/json", b"{}"
    return 200, "text/xml", f"<{action[0]}Response><requestId>none</requestId></{action[0]}Response>".encode()
