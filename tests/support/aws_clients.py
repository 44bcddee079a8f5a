"""The type of the fixture `client`."""

from typing import Any, Protocol


class ClientMaker(Protocol):
    """Makes a boto3 client of a service for the endpoint at `url`."""

    def __call__(
        self, service: str, url: str, *, region: str = ..., attempts: int = ..., timeout: float = ...
    ) -> Any: ...
