"""The TLS settings of the web configuration, made into what Python's TLS takes."""

import contextlib
import ipaddress
import os
import ssl
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aws_vpn_exporter.web.schema import CIPHERS, CURVES, TlsServerConfig

CAN_PREFER_CURVES = hasattr(ssl.SSLContext, "set_groups")
"""Python 3.15 has it; those before take a single curve."""

_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}

_CLIENT_AUTH = {
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}

_KINDS_OF_NAMES = {"DNS", "email", "IP Address", "URI"}


class ServerTls(ssl.SSLContext):
    """TLS of the server, with the names that a client's certificate has to have one of."""

    allowed_sans: frozenset[str] = frozenset()

    def admits(self, certificate: Mapping[str, Any] | None) -> bool:
        """Whether a client with this certificate, which has been checked, may connect."""
        return not self.allowed_sans or not self.allowed_sans.isdisjoint(_names(certificate or {}))


def server_tls(tls: TlsServerConfig, folder: Path) -> ServerTls:
    """The settings for new connections; relative paths start from the folder. Raises ValueError with the reason."""
    context = ServerTls(ssl.PROTOCOL_TLS_SERVER)
    context.allowed_sans = frozenset(tls.client_allowed_sans)
    context.verify_mode = _CLIENT_AUTH.get(tls.client_auth_type, ssl.CERT_NONE)
    _set_versions_and_ciphers(context, tls)
    if tls.curve_preferences:
        _set_curves(context, [CURVES[name] for name in tls.curve_preferences])
    if not tls.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        with _file(tls.cert_file, tls.cert, folder) as cert, _file(tls.key_file, tls.key, folder) as key:
            # With an empty password, a key that has one is an error; without, OpenSSL would ask at the terminal.
            context.load_cert_chain(cert, key, password="")  # nosec B106
        if tls.checks_clients:
            _trust(context, tls, folder)
    except (OSError, ssl.SSLError) as error:
        inline = ((tls.cert_file, "cert"), (tls.key_file, "key"), (tls.client_ca_file, "client_ca"))
        named = ", ".join(file or name for file, name in inline if file or getattr(tls, name))
        raise ValueError(f"cannot use {named}: {error.strerror or error}") from None
    return context


def _set_versions_and_ciphers(context: ssl.SSLContext, tls: TlsServerConfig) -> None:
    ciphers = [CIPHERS[name] for name in tls.cipher_suites if name in CIPHERS]
    # A list of TLS 1.3's suites alone leaves none for a lower version.
    lowest = "TLS13" if tls.cipher_suites and not ciphers else tls.min_version
    if lowest < "TLS12":
        # OpenSSL 3 refuses the signatures of TLS 1.0 and 1.1 from security level 1 on.
        context.set_ciphers(":".join((*(ciphers or ("DEFAULT",)), "@SECLEVEL=0")))
    elif ciphers:
        context.set_ciphers(":".join(ciphers))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # whoever asks for old versions knows
        context.minimum_version = _VERSIONS[lowest]
        context.maximum_version = _VERSIONS[tls.max_version]


def _set_curves(context: ssl.SSLContext, curves: list[str]) -> None:
    if CAN_PREFER_CURVES:
        context.set_groups(":".join(curves))  # type: ignore[attr-defined,unused-ignore]
    else:
        context.set_ecdh_curve(curves[0])


def _trust(context: ssl.SSLContext, tls: TlsServerConfig, folder: Path) -> None:
    if tls.client_ca_file:
        context.load_verify_locations(folder / tls.client_ca_file)
    elif tls.client_ca:
        context.load_verify_locations(cadata=tls.client_ca)
    else:
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)


@contextlib.contextmanager
def _file(name: str, text: str, folder: Path) -> Iterator[Path]:
    """The file, or the text as a file in memory: OpenSSL reads files only, and a key does not belong on a disk."""
    if name:
        yield folder / name
        return
    descriptor = os.memfd_create("pem")
    try:
        with open(descriptor, "w", closefd=False) as file:
            file.write(text)
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _names(certificate: Mapping[str, Any]) -> Iterator[str]:
    """The subject alternative names, addresses in their shortest form."""
    for kind, value in certificate.get("subjectAltName", ()):
        if kind == "IP Address":
            yield str(ipaddress.ip_address(value.strip()))
        elif kind in _KINDS_OF_NAMES:
            yield value
