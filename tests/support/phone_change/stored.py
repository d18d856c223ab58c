"""What a database in memory has of changes of the phone."""

from adapters.databases.records.features.phone_change import make_phone_change_repositories
from application.features.phone_change.ports import PhoneChangeRepositories
from tests.support.fakes.database import InMemoryDatabase


def phone_change_repositories(database: InMemoryDatabase) -> PhoneChangeRepositories:
    """Return the repositories of changes of the phone. Their calls may be made to fail."""
    made = make_phone_change_repositories(database.stores, database.encryption)
    return database.fallible(made)
