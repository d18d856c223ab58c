"""What a database in memory has of the phone line."""

from adapters.databases.records.features.voice import CALLS, CallMapping, make_voice_repositories
from application.features.voice.ports import VoiceRepositories
from application.ports.versioned import Versioned
from domain.features.voice.call import Call
from tests.support.fakes.database import InMemoryDatabase


def stored_calls(database: InMemoryDatabase, *ids: str) -> dict[str, Versioned[Call]]:
    return database.load_all(CallMapping(CALLS, Call), *ids)


def voice_repositories(database: InMemoryDatabase) -> VoiceRepositories:
    """Return the repositories of the phone line. Their calls may be made to fail."""
    return database.fallible(make_voice_repositories(database.stores))
