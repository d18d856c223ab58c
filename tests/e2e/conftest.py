import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.description.people import PROXY_SETTINGS, People
from tests.support.client import open_client
from tests.support.service import Service, running

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all tests that do not stop it. Each test has its own phones."""
    with running(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def phone() -> str:
    """A phone that no other test of this process uses."""
    return f"+1415556{next(_numbers):04d}"


@pytest.fixture
def other_phone(phone: str) -> str:
    """A second phone that no other test of this process uses."""
    return phone.replace("+1415556", "+1415558")


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """Users of a service that trusts the client IPs that they send."""
    folder = tmp_path_factory.mktemp("described")
    environ = {**PROXY_SETTINGS, "DIALTONE_TOKEN_ISSUER": ""}
    with (
        pytest.MonkeyPatch.context() as environment,
        running(folder, environ) as service,
        open_client(service) as client,
    ):
        # Schemathesis' own client uses the environment's proxies.
        environment.setenv("NO_PROXY", "127.0.0.1")
        yield People(service, client)


@pytest.fixture(scope="session")
def document(people: People) -> Any:
    """The OpenAPI description."""
    return people.http.get("/openapi.json").json()
