"""boto3 as a user would have it, and free of whatever AWS settings this machine has."""

import os
import subprocess
from collections.abc import Generator, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.support.aws_clients import ClientMaker
from tests.support.real_programs import real_programs_or_skip

# Some tests start processes from several threads at once, where vfork was seen to fail with EFAULT.
subprocess._USE_VFORK = False  # type: ignore[misc]


LONGEST = (
    "test_rules",
    "test_documented_commands",
    "test_diagnose",
    "test_node",
    "test_blindness",
    "test_hostile_files",
    "test_organization",
    "test_chaos",
    "test_faults",
)
"""Modules that take minutes. They come first, so that none of them is still at it when all others are done."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite", action="store_true", help="rewrite the golden files instead of comparing with them")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    with real_programs_or_skip():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    with real_programs_or_skip():
        return (yield)


@pytest.fixture(autouse=True, scope="session")
def _dummy_aws_environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        # The AWS CLI sets AWS_DATA_PATH when a test imports it, and does not work without.
        kept = ("AWS_CA_BUNDLE", "AWS_DATA_PATH")
        for name in [name for name in os.environ if name.startswith("AWS_") and name not in kept]:
            patch.delenv(name)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", "/dev/null")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        patch.setenv("AWS_ACCESS_KEY_ID", "demo")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "demo")
        patch.setenv("AWS_REGION", "eu-west-1")
        yield


@pytest.fixture(scope="session")
def session(_dummy_aws_environment: None) -> boto3.Session:
    return boto3.Session()


@pytest.fixture
def client(session: boto3.Session) -> Iterator[ClientMaker]:
    made: list[Any] = []

    def make(service: str, url: str, *, region: str = "eu-west-1", attempts: int = 1, timeout: float = 5) -> Any:
        config = Config(
            retries={"total_max_attempts": attempts, "mode": "standard"},
            read_timeout=timeout,
            connect_timeout=timeout,
        )
        one = session.client(service, region_name=region, endpoint_url=url, config=config)  # type: ignore[call-overload]
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()
