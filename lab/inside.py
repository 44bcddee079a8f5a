"""The first process of the lab's own namespaces: starts programs for whoever made the lab, and ends with them.

    unshare --net --mount --pid --fork --kill-child --mount-proc python inside.py

It listens on the Unix socket SOCKET, one request and one answer in JSON per connection. It is process 1 of its process
namespace: when its standard input ends, which it does however its maker ends, the kernel kills everything in here and
frees every network namespace, link and file. Only the standard library is used, so that any Python will do.

Requests:
    {"run": [...], "input": "..."}             -> {"code": 0, "output": "..."}   a program, to its end
    {"start": [...], "log": path, "env": {}}   -> {"pid": 12}                    a program that goes on
    {"signal": 9, "pid": 12}                   -> {"code": -9}                   its end after a signal
"""

import contextlib
import json
import os
import signal
import socketserver
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

ROOM = Path("/run/lab")
"""Where the lab's files are: in memory, seen by nobody else and gone with the namespaces."""

SOCKET = ROOM / "keeper"
"""Where the requests come in."""

_started: dict[int, subprocess.Popen[bytes]] = {}


def _run(request: dict[str, Any]) -> dict[str, Any]:
    try:
        done = subprocess.run(
            request["run"], input=request.get("input"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    except OSError as error:
        return {"code": 127, "output": str(error)}
    return {"code": done.returncode, "output": done.stdout}


def _start(request: dict[str, Any]) -> dict[str, Any]:
    with Path(request["log"]).open("ab") as log:
        process = subprocess.Popen(
            request["start"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **request["env"]}
        )
    _started[process.pid] = process
    return {"pid": process.pid}


def _signal(request: dict[str, Any]) -> dict[str, Any]:
    process = _started.pop(request["pid"])
    process.send_signal(request["signal"])
    try:
        return {"code": process.wait(10)}
    except subprocess.TimeoutExpired:
        process.kill()
        return {"code": process.wait()}


class _Request(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        request = json.loads(self.rfile.readline())
        answer = next(act for name, act in _ACTIONS.items() if name in request)(request)
        with contextlib.suppress(BrokenPipeError):
            self.wfile.write(json.dumps(answer).encode())


_ACTIONS = {"run": _run, "start": _start, "signal": _signal}


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the maker, who then ends the lab in order
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    for folder in (ROOM, Path("/run/netns")):
        folder.mkdir()
    server = _Server(str(SOCKET), _Request)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
