"""The web configuration file beside promtool, feature by feature; and what its features do on the wire."""

import subprocess
from pathlib import Path

import pytest

from aws_vpn_exporter.config import ConfigError, load_as
from aws_vpn_exporter.web import tls
from aws_vpn_exporter.web.config import WebConfigFile
from aws_vpn_exporter.web.schema import CIPHERS, CIPHERS_OF_TLS13, CURVES, WebConfig
from testbed.exporter_process import run
from testbed.programs import find
from tests.web.certificates import make_authority, make_certificate, tls_get
from tests.web.test_refusals import ask, serving

HASH = "$2y$10$" + "abcdefghijklmnopqrstuv" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
CERTIFICATE = "cert_file: cert.pem, key_file: key.pem"
MUTUAL = f"{CERTIFICATE}, client_auth_type: RequireAndVerifyClientCert"
VERIFIED = f"{MUTUAL}, client_ca_file: ca.pem"


def with_tls(more: str) -> str:
    return f"tls_server_config: {{{CERTIFICATE}, {more}}}\n"


def with_header(header: str) -> str:
    return f"http_server_config: {{headers: {{{header}}}}}\n"


ACCEPTED = {
    "an empty file": "",
    "an empty block": "tls_server_config: {}\n",
    "a block without a certificate": "tls_server_config: {min_version: TLS13}\n",
    "certificate and key": f"tls_server_config: {{{CERTIFICATE}}}\n",
    "inline certificate and key": "INLINE",
    "a file goes before what is inline": with_tls("cert: nonsense, key: nonsense"),
    "own order": with_tls("prefer_server_cipher_suites: true"),
    "client's order": with_tls("prefer_server_cipher_suites: false"),
    "client authority": f"tls_server_config: {{{VERIFIED}}}\n",
    "client authority inline": "INLINE-CA",
    "client authority of the system": f"tls_server_config: {{{MUTUAL}}}\n",
    "client SANs": f"tls_server_config: {{{VERIFIED}, client_allowed_sans: [a.example, 192.0.2.1]}}\n",
    "no client SANs": f"tls_server_config: {{{VERIFIED}, client_allowed_sans: []}}\n",
    "empty texts": with_tls("client_ca_file: '', client_ca: '', client_auth_type: ''"),
    "no cipher suites": with_tls("cipher_suites: [], curve_preferences: []"),
    "lowest above highest": with_tls("min_version: TLS13, max_version: TLS12"),
    "TLS 1.3's suites up to TLS 1.2": with_tls("cipher_suites: [TLS_AES_128_GCM_SHA256], max_version: TLS12"),
    "http2 on": "http_server_config: {http2: true}\n",
    "http2 off": "http_server_config: {http2: off}\n",
    "rate limit off": "rate_limit: {interval: 0, burst: 0}\n",
    "rate limit that refuses all": "rate_limit: {interval: 1s}\n",
    "an empty rate limit": "rate_limit: {}\n",
    "no users": "basic_auth_users: {}\n",
} | {
    **{f"client_auth_type {kind}": with_tls(f"client_auth_type: {kind}")
       for kind in ("NoClientCert", "RequestClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert")},
    **{f"{kind}_version {version}": with_tls(f"{kind}_version: {version}")
       for kind in ("min", "max") for version in ("TLS10", "TLS11", "TLS12", "TLS13")},
    **{f"cipher suite {name}": with_tls(f"cipher_suites: [{name}]") for name in (*CIPHERS, *CIPHERS_OF_TLS13)},
    "all cipher suites": with_tls(f"cipher_suites: [{', '.join((*CIPHERS, *CIPHERS_OF_TLS13))}]"),
    **{f"curve {name}": with_tls(f"curve_preferences: [{name}]") for name in CURVES},
    "all curves": with_tls(f"curve_preferences: [{', '.join(CURVES)}]"),
    **{f"rate limit {interval}": f"rate_limit: {{interval: {interval}, burst: 2}}\n"
       for interval in ("1s", "1m30s", "100ms", "1.5s", ".5s", "0", "0s", "5", "-1s", "1h", "3us", "1m0.5s")},
    **{header: with_header(header) for header in (
        "X-Frame-Options: deny", "X-Frame-Options: sameorigin", "X-Content-Type-Options: nosniff",
        "X-XSS-Protection: '1; mode=block'", "Strict-Transport-Security: max-age=3600", "Strict-Transport-Security: ''",
        "Content-Security-Policy: \"default-src 'self'\"", "Content-Security-Policy: ''")},
    **{f"bcrypt {kind}": f"basic_auth_users: {{alice: '{HASH.replace('2y', kind)}'}}\n"
       for kind in ("2a", "2b", "2x", "2y")},
}  # fmt: skip

REFUSED = {
    "certificate without a key": "tls_server_config: {cert_file: cert.pem}\n",
    "key without a certificate": "tls_server_config: {key_file: key.pem}\n",
    "a policy without a certificate": "tls_server_config: {client_auth_type: NoClientCert}\n",
    "an authority without a certificate": "tls_server_config: {client_ca_file: ca.pem}\n",
    "no such certificate": "tls_server_config: {cert_file: none.pem, key_file: key.pem}\n",
    "another key": "tls_server_config: {cert_file: cert.pem, key_file: ca.key}\n",
    "a key with a password": "tls_server_config: {cert_file: cert.pem, key_file: locked.pem}\n",
    "inline nonsense": "tls_server_config: {cert: nonsense, key: nonsense}\n",
    "no such authority": f"tls_server_config: {{{MUTUAL}, client_ca_file: none.pem}}\n",
    "an authority without a policy": with_tls("client_ca_file: ca.pem"),
    "an authority and an empty policy": with_tls("client_ca_file: ca.pem, client_auth_type: ''"),
    "an authority and no certificate asked for": with_tls("client_ca_file: ca.pem, client_auth_type: NoClientCert"),
    "unknown policy": with_tls("client_auth_type: Nonsense"),
    "unknown cipher suite": with_tls("cipher_suites: [TLS_NONSENSE]"),
    "cipher suite that Go calls insecure": with_tls("cipher_suites: [TLS_RSA_WITH_AES_128_GCM_SHA256]"),
    "cipher suite by OpenSSL's name": with_tls("cipher_suites: [ECDHE-RSA-AES128-GCM-SHA256]"),
    "unknown curve": with_tls("curve_preferences: [P256]"),
    "unknown version": with_tls("min_version: TLS14"),
    "an empty version": with_tls("min_version: ''"),
    "unknown key of TLS": with_tls("ca_file: ca.pem"),
    "unknown key": "tls_config: {}\n",
    "unknown key of HTTP": "http_server_config: {http3: true}\n",
    "http2 by a number": "http_server_config: {http2: 1}\n",
    "unknown header": with_header("X-Powered-By: us"),
    "header in another case": with_header("x-frame-options: deny"),
    "wrong X-Frame-Options": with_header("X-Frame-Options: DENY"),
    "empty X-Frame-Options": with_header("X-Frame-Options: ''"),
    "wrong X-Content-Type-Options": with_header("X-Content-Type-Options: sniff"),
    "rate limit in days": "rate_limit: {interval: 1d, burst: 2}\n",
    "rate limit with a space": "rate_limit: {interval: 1 s, burst: 2}\n",
    "burst in words": "rate_limit: {interval: 1s, burst: two}\n",
    "a password in place of its hash": "basic_auth_users: {alice: secret}\n",
    "truncated bcrypt hash": f"basic_auth_users: {{alice: '{HASH[:50]}'}}\n",
    "bcrypt hash that is too cheap": f"basic_auth_users: {{alice: '{HASH.replace('$10$', '$03$')}'}}\n",
    "bcrypt hash that is too dear": f"basic_auth_users: {{alice: '{HASH.replace('$10$', '$32$')}'}}\n",
    "an empty hash": "basic_auth_users: {alice: ''}\n",
    "a user twice": f"basic_auth_users: {{alice: '{HASH}', alice: '{HASH}'}}\n",
}  # fmt: skip

ONLY_PROMTOOL_ACCEPTS = {
    "any certificate": (with_tls("client_auth_type: RequireAnyClientCert"), "everybody would be let in"),
    "the same by its old name": (with_tls("client_auth_type: RequireClientCert"), "everybody would be let in"),
    "SANs of nobody": (with_tls("client_allowed_sans: [a.example]"), "a client without a certificate would be let in"),
    "SANs of those who have one": (
        with_tls("client_auth_type: VerifyClientCertIfGiven, client_allowed_sans: [a.example]"),
        "a client without a certificate would be let in",
    ),
    "an authority without certificates": (f"tls_server_config: {{{MUTUAL}, client_ca_file: key.pem}}\n", "key.pem"),
    "a header in two lines": (with_header('X-XSS-Protection: "a\\nb"'), "should be printable ASCII"),
    "users that were forgotten": ("basic_auth_users:\n", "has no value"),
    "a hash that no password fits": (f"basic_auth_users: {{alice: '{HASH[:59]}'}}\n", "should be a bcrypt hash"),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a server's certificate, a locked key, an authority and a client's certificate."""
    made = tmp_path_factory.mktemp("web-config")
    make_certificate(made, "server")
    make_authority(made, "DNS:a.example,IP:2001:db8::1")
    lock = "openssl rsa -aes128 -passout pass:secret -in key.pem -out locked.pem"
    subprocess.run(lock.split(), cwd=made, check=True, capture_output=True)
    return made


def inline(key: str, file: Path) -> str:
    return f"  {key}: |\n" + "".join(f"    {line}\n" for line in file.read_text().splitlines())


def written(folder: Path, text: str) -> Path:
    """The text as a file in the folder."""
    certificate = inline("cert", folder / "cert.pem") + inline("key", folder / "key.pem")
    if text.startswith("INLINE"):
        authority = f"  client_auth_type: RequireAndVerifyClientCert\n{inline('client_ca', folder / 'ca.pem')}"
        text = f"tls_server_config:\n{certificate}{authority if text == 'INLINE-CA' else ''}"
    file = folder / "web.yaml"
    file.write_text(text)
    return file


def promtool_accepts(file: Path) -> bool:
    return subprocess.run([find("promtool"), "check", "web-config", file], capture_output=True).returncode == 0


def refusal(file: Path) -> str:
    """Why we refuse the file; empty where we accept it."""
    try:
        WebConfigFile(file)
    except ConfigError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED)
def test_what_promtool_accepts_is_accepted(folder: Path, text: str) -> None:
    file = written(folder, text)
    assert promtool_accepts(file)
    assert refusal(file) == ""


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_promtool_refuses_is_refused(folder: Path, text: str) -> None:
    file = written(folder, text)
    assert not promtool_accepts(file)
    assert refusal(file).startswith(str(file))


@pytest.mark.parametrize(("text", "reason"), ONLY_PROMTOOL_ACCEPTS.values(), ids=ONLY_PROMTOOL_ACCEPTS)
def test_what_promtool_accepts_and_we_cannot_do_safely_is_refused_with_its_reason(
    folder: Path, text: str, reason: str
) -> None:
    file = written(folder, text)
    assert promtool_accepts(file)
    assert reason in refusal(file)


def test_no_complaint_quotes_an_inline_key(folder: Path) -> None:
    text = f"tls_server_config:\n{inline('key', folder / 'key.pem')}  key_fille: x\n"
    line = (folder / "key.pem").read_text().splitlines()[3]
    for broken in (text, text + "  - x\n", text.replace("key:", "cert:")):
        assert line not in (refusal(written(folder, broken)) or pytest.fail(broken))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (with_tls("client_auth_type: RequestClientCert"), "certificates are not asked for"),
        (f"tls_server_config: {{{MUTUAL}}}\n", "the system's authorities are trusted"),
        ("tls_server_config: {min_version: TLS13}\n", "there is no TLS"),
        (with_tls("min_version: TLS13, max_version: TLS12"), "no client can connect"),
        ("http_server_config: {http2: true}\n", "clients use HTTP/1.1"),
        ("rate_limit: {interval: 1s}\n", "refuses every request"),
    ],
)
def test_what_is_accepted_and_not_done_is_said_in_one_line(folder: Path, text: str, said: str) -> None:
    (line,) = WebConfigFile(written(folder, text)).not_honoured()
    assert said in line
    assert WebConfigFile(written(folder, f"tls_server_config: {{{CERTIFICATE}}}\n")).not_honoured() == []


def test_check_config_says_what_is_not_done(folder: Path) -> None:
    checked = run("check-config", f"--web.config.file={written(folder, ACCEPTED['http2 on'])}")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "HTTP/2 is not spoken here" in checked.stdout


def test_one_curve_of_several_is_offered_where_python_takes_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = WebConfigFile(written(folder, ACCEPTED["all curves"]))
    assert len(config.not_honoured()) == (0 if tls.CAN_PREFER_CURVES else 1)


def handshake(port: int, *options: str) -> str:
    """What openssl says of a connection; empty where there is none."""
    command = ("openssl", "s_client", "-connect", f"127.0.0.1:{port}", *options)
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=30)
    return done.stdout if "Cipher is (NONE)" not in done.stdout else ""


def test_tls_is_as_the_file_says_from_the_next_connection_on(folder: Path) -> None:
    with serving(folder, f"tls_server_config: {{{CERTIFICATE}}}\n", size=1000) as port:
        written(folder, "INLINE")
        assert tls_get(port)[0] == 200
        assert not handshake(port, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")

        written(folder, with_tls("min_version: TLS11"))
        assert "TLSv1.1" in handshake(port, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")

        both = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
        offered = ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-SHA:ECDHE-RSA-AES256-GCM-SHA384")
        written(folder, with_tls(f"cipher_suites: [{both}]"))
        assert "Cipher is ECDHE-RSA-AES256-SHA" in handshake(port, *offered)
        assert not handshake(port, "-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384")
        written(folder, with_tls(f"cipher_suites: [{both}], prefer_server_cipher_suites: false"))
        assert "Cipher is ECDHE-RSA-AES128-GCM-SHA256" in handshake(port, *offered)
        written(folder, with_tls("cipher_suites: [TLS_AES_128_GCM_SHA256]"))
        assert not handshake(port, "-tls1_2")
        assert handshake(port, "-tls1_3")

        written(folder, with_tls("curve_preferences: [CurveP384]"))
        assert "secp384r1" in handshake(port, "-groups", "X25519:P-256:P-384")
        assert not handshake(port, "-groups", "X25519:P-256")


def test_a_file_that_is_being_written_lets_nobody_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Emptied first, as an editor does, and filled while it is read."""
    users = f"basic_auth_users: {{alice: {HASH}}}\n"
    file = written(folder, users)
    config = WebConfigFile(file)
    assert config.current().basic_auth_users
    file.write_text("")
    assert config.current().basic_auth_users
    assert config.reload_successful is False

    def emptied_and_filled(schema: type[WebConfig], path: Path) -> WebConfig:
        path.write_text("{}\n")
        read = load_as(schema, path)
        path.write_text(users + with_tls("min_version: TLS13"))
        return read

    file.write_text(users)
    with monkeypatch.context() as patch:
        patch.setattr("aws_vpn_exporter.web.config.load_as", emptied_and_filled)
        assert config.current().basic_auth_users
    assert config.current().basic_auth_users
    assert config.tls()
    file.write_text("{}\n")
    assert not config.current().basic_auth_users
    assert config.tls() is None


@pytest.mark.parametrize(("name", "let_in"), [("a.example", True), ("'2001:db8::1'", True), ("b.example", False)])
def test_a_client_needs_one_of_the_names_that_are_allowed(folder: Path, name: str, let_in: bool) -> None:
    text = f"tls_server_config: {{{VERIFIED}, client_allowed_sans: [c.example, {name}]}}\n"
    with serving(folder, text, size=1000) as port:
        with pytest.raises(OSError, match=r"."):
            tls_get(port)
        if let_in:
            assert tls_get(port, client=folder / "client.pem")[0] == 200
        else:
            with pytest.raises(OSError, match=r"."):
                tls_get(port, client=folder / "client.pem")


def test_requests_beyond_the_rate_limit_get_429_and_health_is_still_answered(folder: Path) -> None:
    with serving(folder, "rate_limit: {interval: 1h, burst: 3}\n", size=1000) as port:
        assert [ask(port, "GET", "/metrics").status for _ in range(5)] == [200, 200, 200, 429, 429]
        assert ask(port, "GET", "/-/healthy").status == 200
        written(folder, "rate_limit: {interval: 0s, burst: 3}\n")
        assert ask(port, "GET", "/metrics").status == 200


def test_an_empty_header_takes_away_the_default_one(folder: Path) -> None:
    with serving(folder, with_header("Content-Security-Policy: '', X-Frame-Options: sameorigin"), size=1000) as port:
        headers = ask(port, "GET", "/metrics").headers
        assert "content-security-policy" not in headers
        assert headers["x-frame-options"] == "sameorigin"


def test_a_sample_as_exporter_toolkit_documents_it_starts(folder: Path) -> None:
    (folder / "server.crt").write_bytes((folder / "cert.pem").read_bytes())
    (folder / "server.key").write_bytes((folder / "key.pem").read_bytes())
    sample = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n\n"
    users = f"# htpasswd -nBC 10 alice\nbasic_auth_users:\n  alice: {HASH}\n  bob: {HASH}\n"
    with serving(folder, sample + users, size=1000) as port:
        assert tls_get(port)[0] == 200
