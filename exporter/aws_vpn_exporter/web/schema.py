"""What may stand in a web configuration file: exporter-toolkit's format, and `auth_excluded_paths`.

`promtool check web-config` is the judge of what is accepted; docs/CONFIGURATION.md names the differences.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

TlsVersion = Literal["TLS10", "TLS11", "TLS12", "TLS13"]

CIPHERS = {
    f"TLS_ECDHE_{key}_WITH_{named}": f"ECDHE-{key}-{opened}"
    for key in ("RSA", "ECDSA")
    for named, opened in (
        ("AES_128_CBC_SHA", "AES128-SHA"),
        ("AES_256_CBC_SHA", "AES256-SHA"),
        ("AES_128_GCM_SHA256", "AES128-GCM-SHA256"),
        ("AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
        ("CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305"),
    )
}
"""By Go's name of a cipher suite up to TLS 1.2, OpenSSL's name: those that Go calls secure."""

CIPHERS_OF_TLS13 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
"""Go and Python always offer all of them, whatever the list says."""

CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}
"""By Go's name of a curve, OpenSSL's."""

_ANY_CERTIFICATE = ("RequireAnyClientCert", "RequireClientCert")

_HEADER_VALUES = {"X-Content-Type-Options": ("nosniff",), "X-Frame-Options": ("deny", "sameorigin")}

_BCRYPT_HASH = re.compile(r"\$2[abxy]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}", re.ASCII)
"""Its shape only: a check at a high cost would hold up the server for seconds at each change of the file."""

_GO_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_GO_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_GO_DURATION = re.compile(rf"[-+]?({_GO_PART.pattern})+", re.ASCII)


def _bcrypt_hash(value: str) -> str:
    if not _BCRYPT_HASH.fullmatch(value):
        raise ValueError("should be a bcrypt hash, as `htpasswd -nBC 10 USER` prints it after the colon")
    return value


def _go_duration(value: object) -> object:
    """Seconds of a duration as Go writes it; a bare number is nanoseconds there."""
    if not isinstance(value, str):
        return value
    if re.fullmatch(r"[-+]?\d+", value, re.ASCII):
        return int(value) * 1e-9
    if not _GO_DURATION.fullmatch(value):
        raise ValueError("should be a duration such as 100ms, 1s or 1m30s")
    found = sum(float(number) * _GO_UNITS[unit] for number, unit in _GO_PART.findall(value))
    return -found if value.startswith("-") else found


def _yaml_boolean(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value.lower() in ("true", "yes", "on", "y"):
        return True
    if value.lower() in ("false", "no", "off", "n"):
        return False
    raise ValueError("should be true or false")


def _cipher(name: str) -> str:
    if name not in CIPHERS and name not in CIPHERS_OF_TLS13:
        raise ValueError(f"unknown cipher suite; known are {', '.join((*CIPHERS_OF_TLS13, *CIPHERS))}")
    return name


def _header_text(value: str) -> str:
    if not re.fullmatch(r"([!-~]([ -~]*[!-~])?)?", value):
        raise ValueError("should be printable ASCII in one line, without spaces around it")
    return value


Boolean = Annotated[bool, BeforeValidator(_yaml_boolean)]
GoDuration = Annotated[float, BeforeValidator(_go_duration), WithJsonSchema({"type": "string", "format": "duration"})]


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TlsServerConfig(_Block):
    """TLS of the server. Relative paths start from the web configuration file's folder.

    Without a certificate, a key and anything about clients there is no TLS.
    """

    cert: str = Field("", description="Certificate in PEM, with intermediate ones; `cert_file` goes before it.")
    key: str = Field("", description="Private key in PEM; `key_file` goes before it.", repr=False)
    client_ca: str = Field("", description="Authorities of client certificates in PEM; `client_ca_file` goes first.")
    cert_file: str = Field("", description="File of the certificate.")
    key_file: str = Field("", description="File of the private key.")
    client_auth_type: Literal[
        "", "NoClientCert", "RequestClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"
    ] = Field("", description="Whether clients need a certificate; empty is `NoClientCert`.")
    client_ca_file: str = Field("", description="File of the authorities that client certificates are checked with.")
    client_allowed_sans: tuple[str, ...] = Field(
        (), description="Subject alternative names, one of which a client's certificate has to have."
    )
    min_version: TlsVersion = Field("TLS12", description="Lowest version of TLS.")
    max_version: TlsVersion = Field("TLS13", description="Highest version of TLS.")
    cipher_suites: tuple[Annotated[str, AfterValidator(_cipher)], ...] = Field(
        (), description="Cipher suites up to TLS 1.2 by Go's names, the preferred one first."
    )
    prefer_server_cipher_suites: Boolean = Field(True, description="Whether this order goes before the client's.")
    curve_preferences: tuple[Literal["CurveP256", "CurveP384", "CurveP521", "X25519"], ...] = Field(
        (), description="Curves for the key exchange, the preferred one first."
    )

    @model_validator(mode="before")
    @classmethod
    def _no_unchecked_certificate(cls, values: object) -> object:
        if isinstance(values, dict) and values.get("client_auth_type") in _ANY_CERTIFICATE:
            raise ValueError(
                "client_auth_type: Python's TLS cannot ask for a certificate without checking it, and without asking "
                "everybody would be let in; use RequireAndVerifyClientCert with client_ca_file"
            )
        return values

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.client_allowed_sans and self.client_auth_type != "RequireAndVerifyClientCert":
            raise ValueError(
                "client_allowed_sans: without client_auth_type: RequireAndVerifyClientCert a client without a "
                "certificate would be let in"
            )
        if not self.is_enabled:
            return self
        for kind in ("cert", "key"):
            if not getattr(self, kind) and not getattr(self, f"{kind}_file"):
                raise ValueError(f"the key {kind}_file (or {kind}) is missing")
        if (self.client_ca or self.client_ca_file) and not self.checks_clients and not self.only_requests:
            raise ValueError(
                "client_ca_file (or client_ca) is of no use without a client_auth_type; RequireAndVerifyClientCert "
                "lets in clients with a certificate of that authority only"
            )
        return self

    @property
    def is_enabled(self) -> bool:
        """Whether there is TLS at all, by exporter-toolkit's rule."""
        certificate = self.cert or self.key or self.cert_file or self.key_file
        return bool(certificate or self.client_ca or self.client_ca_file or self.client_auth_type)

    @property
    def checks_clients(self) -> bool:
        """Whether a client's certificate is checked where it has one."""
        return self.client_auth_type in ("VerifyClientCertIfGiven", "RequireAndVerifyClientCert")

    @property
    def only_requests(self) -> bool:
        """Whether certificates are asked for, and nobody is refused by them."""
        return self.client_auth_type == "RequestClientCert"


class HttpServerConfig(_Block):
    """HTTP of the server."""

    http2: Boolean = Field(True, description="Taken for compatibility: this exporter speaks HTTP/1.1 only.")
    headers: Mapping[
        Literal[
            "Content-Security-Policy",
            "Strict-Transport-Security",
            "X-Content-Type-Options",
            "X-Frame-Options",
            "X-XSS-Protection",
        ],
        Annotated[str, AfterValidator(_header_text)],
    ] = Field({}, description="Headers of every answer, in place of the default ones; an empty one is left out.")

    @model_validator(mode="after")
    def _known_values(self) -> Self:
        for name, value in self.headers.items():
            known = _HEADER_VALUES.get(name, (value,))
            if value not in known:
                raise ValueError(f"headers: {name} should be {' or '.join(known)}")
        return self


class RateLimit(_Block):
    """How many requests are answered, of all clients together; the others get 429. `/-/healthy` is not counted."""

    interval: GoDuration = Field(0.0, description="Time that buys one more request; 0 is no limit.")
    burst: int = Field(0, description="Requests that may come at once.")


class WebConfig(_Block):
    """The web configuration file."""

    tls_server_config: TlsServerConfig = TlsServerConfig()
    http_server_config: HttpServerConfig = HttpServerConfig()
    rate_limit: RateLimit = RateLimit()
    basic_auth_users: Mapping[str, Annotated[str, AfterValidator(_bcrypt_hash)]] = Field(
        {}, description="By the name of a user, the bcrypt hash of the password."
    )
    auth_excluded_paths: tuple[Annotated[str, Field(pattern="^/")], ...] = Field(
        (), description="Paths that need no password; exporter-toolkit has no such key."
    )

    def not_honoured(self, all_curves: bool) -> Iterator[str]:
        """What is accepted and not done, a line each; `all_curves`: TLS here can prefer more than one curve."""
        tls, limit = self.tls_server_config, self.rate_limit
        if "http2" in self.http_server_config.model_fields_set and self.http_server_config.http2:
            yield "http_server_config.http2: HTTP/2 is not spoken here; clients use HTTP/1.1"
        if limit.interval > 0 and limit.burst < 1:
            yield "rate_limit: a burst of 0 refuses every request"
        if not tls.is_enabled:
            if tls.model_fields_set:
                yield "tls_server_config: names no certificate, so that there is no TLS"
            return
        if tls.only_requests:
            yield "tls_server_config.client_auth_type: certificates are not asked for, as nobody is refused by them"
        if tls.checks_clients and not (tls.client_ca or tls.client_ca_file):
            yield "tls_server_config.client_auth_type: without client_ca_file the system's authorities are trusted"
        if len(tls.curve_preferences) > 1 and not all_curves:
            yield f"tls_server_config.curve_preferences: only the first, {tls.curve_preferences[0]}, is offered"
        if tls.min_version > tls.max_version:
            yield "tls_server_config: min_version is above max_version, so that no client can connect"
