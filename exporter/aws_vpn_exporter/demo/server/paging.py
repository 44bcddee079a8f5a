"""Answers in pages, as CloudWatch and CloudWatch Logs give them."""

from collections.abc import Sequence
from typing import TypeVar

from ..faults import Refusal, RefusedError

_INVALID_TOKEN = Refusal(400, "InvalidParameterException", "The specified nextToken is invalid.")

T = TypeVar("T")


def page(items: Sequence[T], token: object, size: int) -> tuple[Sequence[T], str | None]:
    """Return the page that a token asks for, or the first, and the token of the next page, if there is one.

    A token is the number of items before its page. Raises RefusedError for any other.
    """
    if token is not None and not str(token).isdecimal():
        raise RefusedError(_INVALID_TOKEN)
    begin = int(str(token or 0))
    end = begin + size
    return items[begin:end], str(end) if end < len(items) else None
