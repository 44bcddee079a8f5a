"""What the web server refuses, and what it says then."""

import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import bcrypt
import pytest

from testbed.programs import free_port
from tests.web.certificates import make_authority, make_certificate, tls_get

SIZE = 3_000_000


@contextmanager
def serving(folder: Path, web: str = "{}\n", size: int = SIZE) -> Iterator[int]:
    """The port of a web server about a page of that size; `web` is its web configuration."""
    (folder / "web.yaml").write_text(web)
    port = free_port()
    command = (sys.executable, "-m", "testbed.page_server", str(port), str(size), str(folder / "web.yaml"))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < end, "it does not answer"
                time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with serving(tmp_path_factory.mktemp("refusals")) as running:
        yield running


def ask(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> HTTPResponse:
    """The answer, read to its end."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        answer.said = answer.read()  # type: ignore[attr-defined]
        return answer
    finally:
        connection.close()


def said(port: int, request: bytes) -> bytes:
    """All that the server sends until it hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(request)
        received = b""
        while part := client.recv(65536):
            received += part
        return received


@pytest.mark.parametrize("path", ["/metrics", "/-/reload", "/-/healthy", "/nowhere"])
def test_a_body_is_refused_on_every_path(port: int, path: str) -> None:
    assert ask(port, "POST", path, b"x" * 100_000).status == 413
    chunked = f"GET {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b" 413 " in said(port, chunked.encode())
    assert ask(port, "GET", path, b"").status != 413, "a body of no bytes is none"


def test_a_large_head_is_refused(port: int) -> None:
    assert b" 400 " in said(port, b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 400 " in said(port, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 4000 + b"\r\n")


def test_an_upgrade_gets_the_plain_answer(port: int) -> None:
    assert ask(port, "GET", "/-/healthy", Connection="Upgrade", Upgrade="websocket").status == 200


def test_a_client_that_does_not_read_is_hung_up_on_at_a_deadline(tmp_path: Path) -> None:
    with serving(tmp_path, size=20_000_000) as port, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        end = time.monotonic() + 100
        while client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
            assert time.monotonic() < end, "it is still connected"
            time.sleep(0.2)


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0, *", False),
        ("*;q=0", False),
        ("deflate, *;q=0.1", True),
        ("identity", False),
        ("GZIP;Q=0.5", True),
        ("gzip;q=nonsense", False),
        ("", False),
    ],
)
def test_gzip_is_used_where_the_client_takes_it(port: int, accepted: str, compressed: bool) -> None:
    answer = ask(port, "GET", "/metrics", Accept_Encoding=accepted)
    assert answer.status == 200
    assert answer.headers.get("content-encoding") == ("gzip" if compressed else None)
    assert "Accept-Encoding" in answer.headers["vary"]


@pytest.mark.parametrize("path", ["/metrics/", "/-/healthy/", "//evil.example/", "//evil.example/metrics/"])
def test_nobody_is_sent_to_another_host(port: int, path: str) -> None:
    answer = ask(port, "GET", path, Host="evil.example")
    assert answer.status == 404
    assert answer.headers["location"] is None


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/nowhere"])
def test_every_answer_has_safe_headers(port: int, path: str) -> None:
    headers = ask(port, "GET", path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "script-src" not in headers["content-security-policy"]


def test_a_web_page_cannot_reload_the_configuration(port: int) -> None:
    assert ask(port, "POST", "/-/reload").status == 200
    assert ask(port, "POST", "/-/reload", Origin="https://evil.example").status == 403
    assert ask(port, "POST", "/-/reload", Sec_Fetch_Site="cross-site").status == 403


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def hashed(password: str, cost: int) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def test_users_of_every_cost_log_in_and_health_needs_no_password(tmp_path: Path) -> None:
    web = f"basic_auth_users: {{cheap: '{hashed('one', 4)}', dear: '{hashed('two', 11)}'}}\n"
    with serving(tmp_path, web) as port:
        assert ask(port, "GET", "/-/healthy").status == 200
        assert ask(port, "GET", "/-/ready").status == 401
        for user, password, status in (
            ("cheap", "one", 200),
            ("dear", "two", 200),
            ("dear", "one", 401),
            ("x", "", 401),
        ):
            assert ask(port, "GET", "/-/ready", Authorization=basic(user, password)).status == status


def test_tls_settings_that_change_hold_from_the_next_handshake_on(tmp_path: Path) -> None:
    make_certificate(tmp_path, "server")
    make_authority(tmp_path)
    plain = "tls_server_config: {cert_file: cert.pem, key_file: key.pem%s}\n"
    with serving(tmp_path, plain % "", size=1000) as port:
        assert tls_get(port)[0] == 200
        kept = tls_get(port, keep=True)[1]
        mutual = ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem"
        (tmp_path / "web.yaml").write_text(plain % mutual)
        with pytest.raises(OSError, match=r"."):
            tls_get(port)
        with pytest.raises((OSError, EOFError)):
            kept.again()
        kept.connection.close()
        assert tls_get(port, client=tmp_path / "client.pem")[0] == 200
        (tmp_path / "web.yaml").write_text(plain % ", min_version: TLS13")
        assert tls_get(port)[0] == 200
        with pytest.raises(OSError, match=r"."):
            tls_get(port, highest="TLSv1_2")
        (tmp_path / "web.yaml").write_text("{}\n")
        assert ask(port, "GET", "/-/healthy").status == 200, "TLS is off"
