"""Hides secrets in text that is on its way out: log lines, error messages, and the pages and answers that show them.

Two ways, as neither is enough: the values that this process holds are known (`remember`), and what others say, such as
a refusal that repeats a signed request, is recognised by its form. Pre-shared keys are not among either: they are cut
from answers before anybody reads them.
"""

import re
from collections.abc import Iterable

HIDDEN = "***"

_SHORTEST = 8
"""Characters. Hiding a shorter value would hide parts of ordinary words, and tell more than it hides."""

_LONGEST = 16 * 1024
"""Characters that are kept of any text: far more than a log line with a traceback has."""

_NAMES = (
    r"[\w.-]{0,40}(?:password|passwd|secret|token|signature|credential|authorization|external_?id|"
    r"pre_?shared_?key|access_?key)[\w.-]{0,40}"
)
_COLON = r"\s{0,9}:\s{0,9}"
_MIXED = r"(?=[^a-z\s]{0,40}[a-z])(?=[^A-Z\s]{0,40}[A-Z])(?=[^0-9\s]{0,40}[0-9])"
_FORMS = (
    # The user and the password in a URL: the password may itself hold an @.
    (re.compile(r"(?<=://)[^\s\"'<>?#]{0,300}@"), f"{HIDDEN}@"),
    # Parameters of a signed URL, headers of a signed request, JSON and XML.
    (re.compile(rf"(?i)\b({_NAMES}=)[^\s&,;\"'<>]+"), rf"\1{HIDDEN}"),
    (re.compile(rf"(?i)(\"{_NAMES}\"{_COLON}\")[^\"]*"), rf"\1{HIDDEN}"),
    (re.compile(rf"(?i)('{_NAMES}'{_COLON}')[^']*"), rf"\1{HIDDEN}"),
    (re.compile(rf"(?i)(<{_NAMES}>)[^<]*"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)\b((?:basic|bearer)\s{1,9})[\w+/=.~-]{8,}"), rf"\1{HIDDEN}"),
    # Ids of access keys.
    (re.compile(r"\b((?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{4})[A-Z0-9]{8,}\b"), rf"\1{HIDDEN}"),
    # Session tokens as STS writes them; keys of 40 characters; long runs in base64, encoded messages among them.
    (re.compile(r"\b(?:IQoJ|FwoG|FQoG|AQo[DE])[\w+/=-]{8,}"), HIDDEN),
    (re.compile(rf"(?<![\w+/=.-]){_MIXED}[A-Za-z0-9+/]{{40}}(?![\w+/=.-])"), HIDDEN),
    (re.compile(rf"(?<![A-Za-z0-9+=]){_MIXED}[A-Za-z0-9+=]{{32,}}"), HIDDEN),
    (re.compile(r"[\w+/=-]{100,}"), HIDDEN),
)
_known: dict[object, tuple[str, ...]] = {}


def remember(holder: object, secrets: Iterable[str | None]) -> None:
    """Hides these values from now on; they take the place of those that the same holder named before."""
    _known[holder] = tuple(secret for secret in secrets if secret and len(secret) >= _SHORTEST)


def redacted(text: object) -> str:
    """The text without secrets."""
    shown = str(text)
    if len(shown) > _LONGEST:
        shown = shown[:_LONGEST] + "…"
    for secrets in list(_known.values()):
        for secret in secrets:
            if secret in shown:
                shown = shown.replace(secret, HIDDEN)
    for form, instead in _FORMS:
        shown = form.sub(instead, shown)
    return shown
