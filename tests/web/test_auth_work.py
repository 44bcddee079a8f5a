"""What a failed login costs: the same for everybody, so that its time tells nothing."""

import asyncio
from base64 import b64encode

import bcrypt
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message

from aws_vpn_exporter.web.auth import BasicAuth
from aws_vpn_exporter.web.config import WebConfigFile
from aws_vpn_exporter.web.schema import WebConfig


class Users(WebConfigFile):
    """A web configuration that needs no file."""

    def __init__(self, **costs: int) -> None:
        hashes = {user: bcrypt.hashpw(b"right", bcrypt.gensalt(cost)).decode() for user, cost in costs.items()}
        self._users = WebConfig(basic_auth_users=hashes)

    def current(self) -> WebConfig:
        return self._users


@pytest.mark.parametrize("user", ["cheap", "middle", "dear", "nobody"])
def test_a_failure_is_the_same_work_for_every_user(user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    work: list[int] = []
    real = bcrypt.hashpw

    def counted(password: bytes, salt: bytes) -> bytes:
        work.append(2 ** int(salt.split(b"$")[2]))
        return real(password, salt)

    monkeypatch.setattr(bcrypt, "hashpw", counted)
    monkeypatch.setattr(bcrypt, "checkpw", lambda password, hashed: counted(password, hashed) == hashed)
    config = Users(cheap=4, middle=6, dear=8)
    work.clear()

    app = BasicAuth(PlainTextResponse("hello"), config)

    async def twice() -> list[int]:
        return [await status(app, user, "wrong"), await status(app, user, "wrong")]

    assert asyncio.run(twice()) == [401, 401]
    assert sum(work) == 2**8, "as much as for the dearest hash; and a guess that was made before is no work at all"


async def status(app: ASGIApp, user: str, password: str) -> int:
    """The status of the answer to a request of the user."""
    sent: list[Message] = []
    credentials = b64encode(f"{user}:{password}".encode())
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"authorization", b"Basic " + credentials)]}

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return int(sent[0]["status"])
