"""Real programs on this machine: where they are, starting and ending them, and waiting until they do something."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

REPOSITORY = Path(__file__).resolve().parent.parent
_FETCHED = REPOSITORY / ".cache" / "real-parts"
_BUILT = REPOSITORY / ".cache" / "go" / "bin"
"""Programs from Go modules, as .ci/run builds them."""


class MissingProgramError(Exception):
    """A program is not on this machine; the message says how to get it."""


def find(name: str, old: bool = False) -> Path:
    """The path of a real program; `old` asks for the version in Debian bookworm.

    Raises MissingProgramError. Tests leave that to tests/conftest.py, which skips or, in CI, fails them.
    """
    fetched = _FETCHED / ("old/bin" if old else "bin") / name
    if not fetched.is_file() and not old:
        fetched = _BUILT / name
    if fetched.is_file():
        return fetched
    # The one on PATH may be of any version, so it never serves as the old one.
    on_path = None if old else shutil.which(name)
    if not on_path:
        raise MissingProgramError(
            f"{'the old ' if old else ''}{name} is missing: run tools/real-parts.sh, or install it"
        )
    return Path(on_path)


@contextmanager
def program(log: Path, *command: str | Path, environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """A program that runs until the block ends, and writes to a log."""
    with log.open("w") as output:
        # In a session of its own: Ctrl-C is for this process only, which then ends the others in order.
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment, start_new_session=True)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(condition: Callable[[], object], seconds: float, what: str, logs: Path | None = None) -> None:
    """Returns once the condition holds; a refused connection counts as "not yet".

    Raises TimeoutError after so many seconds, with the last lines of the logs (`*.log`) in the folder `logs`.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except (URLError, ConnectionError, TimeoutError):
            pass
        if time.monotonic() > deadline:
            ends = (f"{log.name}:\n{log.read_text()[-1500:]}" for log in sorted(logs.glob("*.log") if logs else ()))
            raise TimeoutError("\n".join((f"not within {seconds:.0f} s: {what}", *ends)))
        time.sleep(0.1)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
