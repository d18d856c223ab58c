import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.app import App
from tests.e2e.description.people import PROXY_SETTINGS, People
from tests.e2e.phone_line import PhoneLine, run_phone_line
from tests.support.client import open_client
from tests.support.forked_service import running
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all tests that do not stop it. Each test has its own phones."""
    with running(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
async def http(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client that ignores the environment's proxies and has a timeout."""
    async with httpx.AsyncClient(
        base_url=service.url, timeout=20, **PLAIN_HTTP, limits=httpx.Limits(max_connections=64)
    ) as client:
        yield client


@pytest.fixture
def phone() -> str:
    """A phone that no other test of this process uses."""
    return f"+1415556{next(_numbers):04d}"


@pytest.fixture
def other_phone(phone: str) -> str:
    """A second phone that no other test of this process uses."""
    return phone.replace("+1415556", "+1415558")


@pytest.fixture
def app(service: Service, http: httpx.AsyncClient) -> App:
    """The mobile app."""
    return App(service, http)


@pytest.fixture(scope="session")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PhoneLine]:
    """One service with a phone line for all tests that do not stop it."""
    with run_phone_line(tmp_path_factory.mktemp("phone_line")) as line:
        yield line


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """Users of a service that trusts the client IPs that they send, and has prices."""
    folder = tmp_path_factory.mktemp("described")
    prices = folder / "prices.toml"
    prices.write_text('currency = "USD"\n[IN]\nsms = 83000\n', encoding="utf-8")
    environ = {**PROXY_SETTINGS, "DIALTONE_PRICES": str(prices), "DIALTONE_TOKEN_ISSUER": ""}
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
