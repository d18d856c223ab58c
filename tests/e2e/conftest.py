import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import httpx
import pytest

from tests.e2e.app import App
from tests.e2e.description.callers import PROXY_SETTINGS, Callers
from tests.e2e.worlds import NO_MORE, WORLDS, World
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def service_in(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[World], Service]]:
    """Starts a service in a world when it is first asked for; it runs until all tests are over."""
    with ExitStack() as stack:

        @cache
        def started(world: World) -> Service:
            return stack.enter_context(world(request, tmp_path_factory.mktemp("service"), NO_MORE))

        yield started


@pytest.fixture(scope="session", params=WORLDS, ids=lambda world: world.__name__)
def service(request: pytest.FixtureRequest, service_in: Callable[[World], Service]) -> Service:
    """One service in each world for all tests that do not stop it.

    Each test has phones of its own.
    """
    return service_in(request.param)


@pytest.fixture
async def http(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client that follows no environment and gives up after a while."""
    async with httpx.AsyncClient(
        base_url=service.url, timeout=20, **PLAIN_HTTP, limits=httpx.Limits(max_connections=64)
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


@pytest.fixture(scope="session")
def callers_in(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[World], Callers]]:
    """The same for services that believe what addresses their callers say."""
    with ExitStack() as stack:
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        # Schemathesis' own client follows the environment's proxies.
        environment.setenv("NO_PROXY", "127.0.0.1")

        @cache
        def started(world: World) -> Callers:
            folder = tmp_path_factory.mktemp("described")
            service = stack.enter_context(world(request, folder, PROXY_SETTINGS))
            client = httpx.Client(base_url=service.url, timeout=20, **PLAIN_HTTP)
            return Callers(service, stack.enter_context(client))

        yield started


@pytest.fixture(scope="session", params=WORLDS, ids=lambda world: world.__name__)
def callers(request: pytest.FixtureRequest, callers_in: Callable[[World], Callers]) -> Callers:
    """People of a service of their own in each world, which believes what addresses they say."""
    return callers_in(request.param)


@pytest.fixture
def document(callers: Callers) -> Any:
    """The description, as the service gives it."""
    return callers.http.get("/openapi.json").json()
