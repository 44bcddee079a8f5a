"""The web server from outside: paths, methods, formats, hostile clients, TLS, users."""

import gzip
import socket
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest

from aws_vpn_exporter.demo.fleet import Fleet
from aws_vpn_exporter.demo.server import SimulatedAws
from testbed.exporter_process import ExporterProcess, run, with_credentials
from testbed.exposition import openmetrics, values

OPENMETRICS = "application/openmetrics-text"


@pytest.fixture(scope="module")
def simulated() -> Iterator[SimulatedAws]:
    with SimulatedAws(Fleet(lambda: 1_800_000_000.0).describe) as running:
        yield running


@pytest.fixture(scope="module")
def exporter(simulated: SimulatedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExporterProcess]:
    log = tmp_path_factory.mktemp("web") / "log"
    with ExporterProcess(("serve",), with_credentials(simulated.url), log) as running:
        running.until_ready()
        yield running


def test_health_readiness_and_a_page_that_is_not_there(exporter: ExporterProcess) -> None:
    assert exporter.get("/-/healthy").status == 200
    assert exporter.get("/-/ready").status == 200
    assert exporter.get("/metricsandmore").status == 404
    assert exporter.get("/-/reload").status == 405
    assert exporter.get("/metrics", "POST").status == 405
    assert exporter.get("/metrics", "HEAD").status == 200
    assert exporter.get("/metrics", "HEAD").body == b""


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain;version=1.0.0;escaping=allow-utf-8", "text/plain; version=0.0.4; charset=utf-8"),
        (OPENMETRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        (f"{OPENMETRICS}; version=1.0.0", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        (f"{OPENMETRICS};version=0.0.1;q=0.5,text/plain;q=0.6", "text/plain; version=0.0.4; charset=utf-8"),
        (f"{OPENMETRICS};version=0.0.1;q=0.75,*/*;q=0.1", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        (f"{OPENMETRICS}; version=abc", "text/plain; version=0.0.4; charset=utf-8"),
        (f"{OPENMETRICS}; version=2.0.0", "text/plain; version=0.0.4; charset=utf-8"),
        (f"{OPENMETRICS};q=nonsense,;;,=", "text/plain; version=0.0.4; charset=utf-8"),
    ],
)
def test_the_format_is_the_one_asked_for(exporter: ExporterProcess, accept: str, content_type: str) -> None:
    answer = exporter.get("/metrics", Accept=accept)
    assert (answer.status, answer.headers["content-type"]) == (200, content_type)
    if "openmetrics" in content_type:
        assert openmetrics(answer.text)


def test_a_page_is_compressed_where_that_is_understood(exporter: ExporterProcess) -> None:
    answer = exporter.get("/metrics", Accept_Encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert b"aws_vpn_tunnel_up" in gzip.decompress(answer.body)


def test_a_scrape_can_ask_for_some_metrics(exporter: ExporterProcess) -> None:
    page = exporter.get("/metrics?name[]=aws_vpn_target_polls_total&name[]=aws_vpn_target_up").text
    assert {line.split("{")[0] for line in page.splitlines() if not line.startswith("#")} == {
        "aws_vpn_target_polls_total",
        "aws_vpn_target_up",
    }
    assert exporter.get("/metrics?name[]=nothing").text == ""


def test_a_scrape_asks_aws_for_nothing(exporter: ExporterProcess, simulated: SimulatedAws) -> None:
    before = dict(simulated.calls)
    for _ in range(20):
        exporter.metrics()
    asked = {key: simulated.calls[key] - before.get(key, 0) for key in simulated.calls}
    assert sum(asked.values()) <= 1, "the background poll may have come by once"


def test_the_exporter_tells_about_itself(exporter: ExporterProcess) -> None:
    page = exporter.metrics()
    assert not values(page, "aws_vpn_exporter_web_config_last_reload_successful"), "there is no such file"
    assert values(page, "aws_vpn_exporter_build_info") == [1.0]
    assert values(page, "aws_vpn_exporter_api_requests_total", operation="DescribeVpnConnections", outcome="200")
    assert values(page, "process_resident_memory_bytes")


def test_it_answers_though_many_clients_send_nothing_or_little(exporter: ExporterProcess) -> None:
    idle = [socket.create_connection(("127.0.0.1", exporter.port)) for _ in range(300)]
    dripping = [socket.create_connection(("127.0.0.1", exporter.port)) for _ in range(50)]
    try:
        for byte in b"GET /":
            for client in dripping:
                client.send(bytes([byte]))
            assert exporter.get("/-/healthy").status == 200
        assert exporter.get("/metrics").status == 200
    finally:
        for client in (*idle, *dripping):
            client.close()


def test_a_request_that_does_not_arrive_is_hung_up_on(exporter: ExporterProcess) -> None:
    started = time.monotonic()
    with (
        socket.create_connection(("127.0.0.1", exporter.port)) as silent,
        socket.create_connection(("127.0.0.1", exporter.port)) as body_never_comes,
    ):
        body_never_comes.sendall(b"POST /-/nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
        for client in (silent, body_never_comes):
            client.settimeout(20)
            while client.recv(4096):
                pass
    assert time.monotonic() - started < 15


@pytest.mark.parametrize(
    "sent",
    [b"\x00\xff\xfe\r\n\r\n", b"GET / NONSENSE\r\n\r\n", b"GET /metrics HTTP/1.1\r\n\r\n" * 20, b"A" * 200_000],
    ids=["bytes", "version", "pipelined-without-host", "long-line"],
)
def test_nonsense_is_refused_and_the_next_request_answered(exporter: ExporterProcess, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", exporter.port)) as client:
        client.settimeout(5)
        client.sendall(sent)
        assert b" 400 " in client.recv(4096)
    assert exporter.get("/-/healthy").status == 200


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with cert.pem and key.pem."""
    folder = tmp_path_factory.mktemp("tls")
    make_certificate(folder, "first")
    return folder


def make_certificate(folder: Path, name: str) -> None:
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem -out cert.pem -subj"
    subprocess.run([*command.split(), f"/CN={name}"], cwd=folder, check=True, capture_output=True)


def common_name(port: int, *options: str) -> str:
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *options]
    seen = subprocess.run(command, input=b"", capture_output=True, timeout=10)
    return seen.stdout.decode()


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def test_tls_users_and_headers_come_from_the_web_config_and_are_read_again(
    certificate: Path, simulated: SimulatedAws, tmp_path: Path
) -> None:
    def write(password: str) -> None:
        hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
        (certificate / "web.yaml").write_text(
            "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n"
            "http_server_config: {headers: {X-Frame-Options: deny}}\n"
            f"basic_auth_users: {{scraper: '{hashed}'}}\n"
            "auth_excluded_paths: [/-/healthy]\n"
        )

    write("first")
    log = tmp_path / "log"
    command = ("serve", f"--web.config.file={certificate / 'web.yaml'}", "--log.level=debug")
    with ExporterProcess(command, with_credentials(simulated.url), log, scheme="https") as exporter:
        assert exporter.get("/-/healthy").status == 200
        refused = exporter.get("/metrics")
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "Basic")
        for wrong in (basic("scraper", "wrong"), basic("nobody", "first"), "Basic !!!", "Bearer x", basic("", "")):
            assert exporter.get("/metrics", Authorization=wrong).status == 401
        for _ in range(2):
            assert exporter.get("/metrics", Authorization=basic("scraper", "first")).status == 200
        assert exporter.get("/metrics", Authorization=basic("scraper", "first")).headers["x-frame-options"] == "deny"

        write("second")
        assert exporter.get("/metrics", Authorization=basic("scraper", "first")).status == 401
        assert exporter.get("/metrics", Authorization=basic("scraper", "second")).status == 200

        assert "CN = first" in common_name(exporter.port)
        make_certificate(certificate, "renewed")
        assert "CN = renewed" in common_name(exporter.port)

        (certificate / "web.yaml").write_text("basic_auth_users: {scraper: plain}\n")
        assert exporter.get("/metrics", Authorization=basic("scraper", "second")).status == 200
        assert "bcrypt" in log.read_text()
        assert "plain" not in log.read_text()

        def successful() -> list[float]:
            page = exporter.get("/metrics", Authorization=basic("scraper", "second")).text
            return values(page, "aws_vpn_exporter_web_config_last_reload_successful")

        assert successful() == [0.0]
        write("second")
        assert successful() == [1.0]
        (certificate / "key.pem").rename(certificate / "away.pem")
        assert successful() == [0.0], "a key that is gone"
        (certificate / "away.pem").rename(certificate / "key.pem")
        assert successful() == [1.0]
        web = certificate / "web.yaml"
        web.write_text(web.read_text().replace("cert.pem", "later.pem"))
        assert successful() == [0.0], "a certificate that is not there yet"
        (certificate / "later.pem").write_bytes((certificate / "cert.pem").read_bytes())
        assert successful() == [1.0]

        stalled = [socket.create_connection(("127.0.0.1", exporter.port)) for _ in range(50)]
        assert exporter.get("/-/healthy").status == 200
        for client in stalled:
            client.close()
        assert "CN = renewed" not in common_name(exporter.port, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("tls_server_config: {cert_file: none.pem, key_file: none.pem}\n", "cannot use none.pem, none.pem"),
        (
            "tls_server_config: {cert_file: cert.pem}\n",
            "web.yaml:1: tls_server_config: the key key_file (or key) is",
        ),
        ("basic_auth_user: {}\n", "web.yaml:1: basic_auth_user: unknown key; did you mean basic_auth_users?"),
        ("basic_auth_users: {a: password}\n", "web.yaml:1: basic_auth_users.a: should be a bcrypt hash"),
        ("basic_auth_users: password\n", "web.yaml:1: basic_auth_users: should be a block of keys"),
        (
            "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n  client_ca_file: cert.pem\n",
            "web.yaml:1: tls_server_config: client_ca_file (or client_ca) is of no use without a client_auth_type",
        ),
    ],
)
def test_a_bad_web_config_is_refused_in_words(text: str, complaint: str, certificate: Path) -> None:
    file = certificate / "web.yaml"
    file.write_text(text)
    checked = run("check-config", f"--web.config.file={file}")
    assert checked.returncode == 1
    assert complaint in checked.stderr
    assert "Traceback" not in checked.stderr
    assert "password" not in checked.stderr
