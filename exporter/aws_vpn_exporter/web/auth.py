"""Basic authentication, as the web configuration file asks for it, at a cost that guessers cannot drive up."""

import asyncio
import hashlib
import secrets
import time
from base64 import b64decode
from collections import OrderedDict, deque
from collections.abc import Mapping

import bcrypt
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from aws_vpn_exporter.web.config import WebConfigFile
from aws_vpn_exporter.web.pool import Pool, PoolFullError

ALWAYS_OPEN = frozenset({"/-/healthy"})
"""Says nothing but that the process runs; whoever restarts the process has to hear it under any load."""

_LONGEST_PASSWORD = 72
"""Bytes of a password that bcrypt uses."""

_NO_SALT = "." * 22
"""For work that only takes as long as a check."""

_MOST_FAILURES = 10
"""Failures of one address in a minute that are answered at once."""

_MOST_DELAYED = 100
"""Failures beyond those that add to the delay."""

_FAILURES_COUNT_FOR = 60.0
_DELAY_PER_FAILURE = 0.2
"""Seconds. 64 clients that guess all the time come down to about three checks a second."""

_MOST_REMEMBERED = 10_000


class BasicAuth:
    """Requires a user and a password if the web configuration has users, except on its excluded paths."""

    def __init__(self, app: ASGIApp, config: WebConfigFile) -> None:
        self._app = app
        self._file = config
        self._passwords = _Passwords()
        self._failures = _Failures()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        config, app = self._file.current(), self._app
        if config.basic_auth_users and scope["path"] not in ALWAYS_OPEN | set(config.auth_excluded_paths):
            app = await self._refusal(scope, config.basic_auth_users) or app
        await app(scope, receive, send)

    async def _refusal(self, scope: Scope, users: Mapping[str, str]) -> ASGIApp | None:
        required = PlainTextResponse("a user and a password are required.\n", 401, {"WWW-Authenticate": "Basic"})
        given = _given(Headers(scope=scope).get("authorization", ""))
        if given is None:
            return required
        try:
            if await self._passwords.fit(*given, users):
                return None
        except PoolFullError:
            required = PlainTextResponse("too many passwords are being checked.\n", 429, {"Retry-After": "20"})
        await asyncio.sleep(self._failures.delay((scope.get("client") or ("",))[0]))
        return required


def _given(authorization: str) -> tuple[str, bytes] | None:
    """The user and the password of the header; None where it has none."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        user, colon, password = b64decode(encoded, validate=True).partition(b":")
    except ValueError:
        return None
    return (user.decode(errors="replace"), password) if scheme.lower() == "basic" and colon else None


class _Passwords:
    """Checks passwords in two threads of its own, each password once: a scrape comes with the same one each time."""

    def __init__(self) -> None:
        self._pool = Pool("passwords", threads=2, most_waiting=8)
        self._key = secrets.token_bytes()
        self._known: OrderedDict[bytes, bool] = OrderedDict()

    async def fit(self, user: str, password: bytes, users: Mapping[str, str]) -> bool:
        """Whether this is the user's password. Raises PoolFullError."""
        wanted, highest = users.get(user), max(map(_cost, users.values()))
        # With the hash, so that a changed password counts at once; hashed, so that no password stays in memory.
        said = b"\0".join((user.encode(errors="replace"), (wanted or "").encode(), password))
        proof = hashlib.blake2b(said, key=self._key).digest()
        if proof not in self._known:
            work = self._pool.submit(lambda: _checked(password, wanted, highest), proof)
            self._known[proof] = await asyncio.wrap_future(work)
            self._forget_failures()
        return self._known[proof]

    def _forget_failures(self) -> None:
        """Guesses never push out a password that fits."""
        while len(self._known) > _MOST_REMEMBERED:
            oldest, fits = self._known.popitem(last=False)
            if fits:
                self._known[oldest] = fits


def _cost(hashed: str) -> int:
    return int(hashed.split("$")[2])


def _checked(password: bytes, wanted: str | None, highest: int) -> bool:
    """Whether the password fits the hash; a failure takes as long for every user, and for one that does not exist.

    The work doubles with each step of the cost: 2^c for a check at cost c, and 2^c + … + 2^(highest-1) for the rest,
    is 2^highest in all.
    """
    password = password[:_LONGEST_PASSWORD].replace(b"\0", b"")
    if wanted is None:
        bcrypt.hashpw(password, f"$2b${highest:02}${_NO_SALT}".encode())
        return False
    try:
        fits = bcrypt.checkpw(password, wanted.encode())
    except ValueError:
        fits = False
    for cost in range(_cost(wanted), highest if not fits else 0):
        bcrypt.hashpw(password, f"$2b${cost:02}${_NO_SALT}".encode())
    return fits


class _Failures:
    """How long the next refusal of an address is held back."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def delay(self, address: str) -> float:
        """Counts a failure; the seconds until its answer."""
        now = time.monotonic()
        times = self._times.setdefault(address, deque(maxlen=_MOST_FAILURES + _MOST_DELAYED))
        self._times.move_to_end(address)
        times.append(now)
        while now - times[0] > _FAILURES_COUNT_FOR:
            times.popleft()
        if len(self._times) > _MOST_REMEMBERED:
            self._times.popitem(last=False)
        return max(0, len(times) - _MOST_FAILURES) * _DELAY_PER_FAILURE
