import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.app import App
from tests.e2e.description.callers import PROXY_SETTINGS, Callers
from tests.e2e.worlds import NO_MORE, WORLDS, World
from tests.service import Service

_numbers = itertools.count(1)


@pytest.fixture(scope="session", params=WORLDS, ids=lambda world: world.__name__)
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """One service in each world for all tests that do not stop it.

    Each test has phones of its own.
    """
    world: World = request.param
    with world(request, tmp_path_factory.mktemp("service"), NO_MORE) as started:
        yield started


@pytest.fixture
async def http(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client that follows no environment and gives up after a while."""
    async with httpx.AsyncClient(
        base_url=service.url, timeout=20, trust_env=False, limits=httpx.Limits(max_connections=64)
    ) as client:
        yield client


@pytest.fixture
def phone() -> str:
    """A phone that no other test of this process has."""
    return f"+1415556{next(_numbers):04d}"


@pytest.fixture
def app(service: Service, http: httpx.AsyncClient) -> App:
    """The app that exists, as it talks to the service."""
    return App(service, http)


@pytest.fixture(scope="session", params=WORLDS, ids=lambda world: world.__name__)
def callers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callers]:
    """People of a service of their own in each world, which believes what addresses they say."""
    world: World = request.param
    with (
        world(request, tmp_path_factory.mktemp("described"), PROXY_SETTINGS) as started,
        httpx.Client(base_url=started.url, timeout=20, trust_env=False) as client,
        pytest.MonkeyPatch.context() as environment,
    ):
        # Schemathesis' own client follows the environment's proxies.
        environment.setenv("NO_PROXY", "127.0.0.1")
        yield Callers(started, client)


@pytest.fixture
def document(callers: Callers) -> Any:
    """The description, as the service gives it."""
    return callers.http.get("/openapi.json").json()
