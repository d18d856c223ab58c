"""A service on each database, for the walk through its API."""

from collections.abc import Iterator

import pytest

from tests.support.client import open_client
from tests.support.service import Service, running
from tests.support.walker import Walker
from tests.walk.databases import Database, on_sqlite


@pytest.fixture(scope="session", params=[on_sqlite], ids=["on_sqlite"])
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The service on each database, for all parts that need no settings of their own."""
    database: Database = request.param
    with running(tmp_path_factory.mktemp("walk"), database(request)) as service:
        yield service


@pytest.fixture
def walker(service: Service) -> Iterator[Walker]:
    """A client of it that has not signed in."""
    with open_client(service) as http:
        yield Walker(service, http)
