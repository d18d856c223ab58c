import pytest

from tests.contract.mongo_database import contract_database_url, in_mongo


@pytest.fixture
def emptied_mongo_database(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database that exists already; to create one takes longer."""
    in_mongo(request)
    return contract_database_url(request)
