"""HTTP as the kubelet's probes do it: any certificate will do."""

import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping

_ANY_CERTIFICATE = ssl.create_default_context()
_ANY_CERTIFICATE.check_hostname = False
_ANY_CERTIFICATE.verify_mode = ssl.CERT_NONE


def fetched(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Status and text, of errors as well. Raises OSError where nobody listens."""
    request = urllib.request.Request(url, headers=dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=5, context=_ANY_CERTIFICATE) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
