from collections.abc import Iterator
from pathlib import Path

import pytest

import entrypoints.composition.features  # noqa: F401 -- it declares the kinds of records
from tests.support.keys import create_secrets_file
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.fake_vonage import FakeVonage


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio() as twilio:
        yield twilio


@pytest.fixture
def vonage() -> Iterator[FakeVonage]:
    with FakeVonage() as vonage:
        yield vonage


@pytest.fixture
def secrets_path(tmp_path: Path) -> Path:
    """A secrets file as a first start creates it."""
    path = tmp_path / "secrets.json"
    create_secrets_file(path)
    return path
