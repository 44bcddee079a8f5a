"""Canaries for each kind of secret, through every way out: log at debug level, pages, commands, their errors."""

import threading
import urllib.parse
from collections.abc import Callable, Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_vpn_exporter.redaction import HIDDEN, redacted, remember
from testbed.exporter_process import ExporterProcess, run

SECRET_KEY, TOKEN = "CanarySecretKeyOfTheDefaults0123456789ab", "CANARY-session-token"
EXTERNAL_ID, PASSWORD, ENCODED = "canary-external-id", "canary-p@ssword", "CaNaRy0" * 20
CANARIES = (SECRET_KEY, TOKEN, EXTERNAL_ID, PASSWORD, "canary-p", ENCODED, "canarysignature")

REGIONS: dict[str, Callable[[Message], str]] = {
    "eu-west-1": lambda _: f"the token {TOKEN} is not valid",
    "eu-west-2": lambda headers: f"the request said {headers['Authorization']}",
    "eu-west-3": lambda _: f"the key {SECRET_KEY} is not valid",
    "eu-central-1": lambda _: f"went to https://user:{PASSWORD}@ec2.example/?X-Amz-Signature=canarysignature&a=b",
    "us-east-1": lambda _: f"Encoded authorization failure message: {ENCODED}",
    "us-east-2": lambda headers: f"headers: {dict(headers)}",
}


class Talkative(BaseHTTPRequestHandler):
    """Refuses everything, and repeats what it was told in the first line of the message."""

    def do_POST(self) -> None:
        said = self.rfile.read(int(self.headers["Content-Length"])).decode()
        parameters = urllib.parse.parse_qs(said)
        scope = self.headers["Authorization"].split("Credential=")[1].split("/")
        message = REGIONS[scope[2]](self.headers)
        if parameters["Action"] == ["AssumeRole"]:
            message = f"not with the external id {parameters['ExternalId'][0]}, in {said}"
        body = (
            f"<Response><Errors><Error><Code>Odd</Code><Message>{escape(message)}</Message></Error></Errors></Response>"
        )
        if scope[3] == "sts":
            body = f"<ErrorResponse><Error><Code>Odd</Code><Message>{escape(message)}</Message></Error></ErrorResponse>"
        self.send_response(403)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Talkative)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield {
            "AWS_ACCESS_KEY_ID": "ASIACANARYCANARY1234",
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_SESSION_TOKEN": TOKEN,
            "AWS_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "AWS_ENDPOINT_URL_LOGS": f"http://user:{PASSWORD}@127.0.0.1:1",
        }
    finally:
        server.shutdown()
        server.server_close()


def test_no_canary_comes_out_anywhere(environment: dict[str, str], tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    role = f"{{role_arn: 'arn:aws:iam::210987654321:role/x', external_id: {EXTERNAL_ID}, regions: [eu-west-1]}}"
    config.write_text(f"regions: [{', '.join(REGIONS)}]\naccounts:\n- {{}}\n- {role}\n")
    log = tmp_path / "log"
    command = ("serve", f"--config.file={config}", "--log.level=debug", "--web.enable-lifecycle")
    with ExporterProcess(command, environment, log) as exporter:
        exporter.until_ready()
        exporter.until(lambda: exporter.get("/").text.count("Odd") >= len(REGIONS), "each refusal is shown")
        seen = [exporter.metrics(), exporter.get("/").text]
        config.write_text(f"accounts: [{{external_id: [{EXTERNAL_ID}]}}, {{external_id: c}}]\n")
        seen.append(exporter.get("/-/reload", "POST").text)
    seen.append(log.read_text())
    assert "the token *** is not valid" in seen[1]
    assert "user" not in log.read_text().split("custom endpoints")[1].split("\n")[0]
    config.write_text("regions: [eu-west-1]\n")
    for arguments in (("diagnose",), ("diagnose", "--output=json"), ("check-config", "--live")):
        done = run(*arguments, f"--config.file={config}", **environment)
        assert done.returncode == 2
        seen.append(done.stdout + done.stderr)
    for canary in CANARIES:
        assert not [text for text in seen if canary in text], canary


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("http://user:p@ss:w/rd@host:80/a?b=c", f"http://{HIDDEN}@host:80/a?b=c"),
        ("key AKIAIOSFODNN7EXAMPLE is unknown", f"key AKIAIOSF{HIDDEN} is unknown"),
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", HIDDEN),
        ("token IQoJb3JpZ2luX2VjEJ7 is expired", f"token {HIDDEN} is expired"),
        ('{"SessionToken": "abc", "Region": "eu-west-1"}', f'{{"SessionToken": "{HIDDEN}", "Region": "eu-west-1"}}'),
        ("<SecretAccessKey>abc</SecretAccessKey>", f"<SecretAccessKey>{HIDDEN}</SecretAccessKey>"),
        ("Authorization: Basic cHJvbTpwYXNzd29yZA==", f"Authorization: Basic {HIDDEN}"),
    ],
)
def test_a_secret_is_known_by_its_form(said: str, kept: str) -> None:
    assert redacted(said) == kept


@pytest.mark.parametrize(
    "said",
    [
        "User: arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_AdministratorAccess_0123456789abcdef/me is not "
        "authorized to perform: ec2:DescribeVpnConnections",
        "could not connect to https://ec2.eu-west-1.amazonaws.com/",
        "vpn-0123456789abcdef0 has no tunnel at 203.0.113.1; credentials: renew them; secret: none",
        "/etc/aws-vpn-exporter/Config1/web-config.yaml:12: basic_auth_users.scraper: should be a bcrypt hash",
    ],
)
def test_what_is_no_secret_stays(said: str) -> None:
    assert redacted(said) == said


@given(st.text(max_size=20), st.text(min_size=8, max_size=40), st.text(max_size=20))
def test_a_remembered_secret_never_comes_through(before: str, secret: str, after: str) -> None:
    remember("test", (secret,))
    try:
        assert secret not in redacted(before + secret + after) or secret in HIDDEN + before + after
    finally:
        remember("test", ())
