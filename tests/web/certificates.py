"""Certificates for tests, and a TLS client."""

import ssl
import subprocess
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from pathlib import Path


def make_certificate(folder: Path, name: str) -> None:
    """cert.pem and key.pem in the folder."""
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem -out cert.pem -subj"
    _run(folder, *command.split(), f"/CN={name}")


def make_authority(folder: Path, names: str = "DNS:client.example") -> None:
    """ca.pem, and client.pem with a certificate for these names that it has signed, and its key."""
    new = "openssl req -newkey rsa:2048 -nodes"
    _run(folder, *f"{new} -x509 -days 2 -keyout ca.key -out ca.pem -subj /CN=ca".split())
    _run(folder, *f"{new} -keyout client.key -out client.csr -subj /CN=client".split())
    (folder / "names").write_text(f"subjectAltName={names}\n")
    sign = "openssl x509 -req -in client.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out client.crt -extfile names"
    _run(folder, *sign.split())
    (folder / "client.pem").write_text((folder / "client.crt").read_text() + (folder / "client.key").read_text())


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@dataclass
class Kept:
    """A connection that stays open."""

    connection: HTTPSConnection

    def again(self) -> int:
        """The status of another answer on it. Raises OSError or EOFError."""
        sock = self.connection.sock
        sock.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        received: bytes = sock.recv(100)
        if not received:
            raise EOFError
        return int(received.split()[1])


def tls_get(port: int, client: Path | None = None, highest: str = "TLSv1_3", keep: bool = False) -> tuple[int, Kept]:
    """The status of an answer, and the connection. Raises OSError where there is none."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = getattr(ssl.TLSVersion, highest)
    if client:
        context.load_cert_chain(client)
    connection = HTTPSConnection("127.0.0.1", port, timeout=30, context=context)
    try:
        connection.request("GET", "/-/healthy")
        answer = connection.getresponse()
        answer.read()
    except (HTTPException, OSError) as error:
        connection.close()
        raise OSError(str(error)) from None
    if not keep:
        connection.close()
    return answer.status, Kept(connection)
