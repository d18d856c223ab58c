"""The ports that an adapter may implement, and where their suites are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters.databases.records.database import Database
from application.features.attestation import Attestation
from application.features.events.send_events import EventDestination
from application.features.media.ports import MediaFiles
from application.features.voice.ports import VoiceProvider
from application.ports.limits import LimitStore
from application.ports.otp import Messenger

_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Port:
    """What the factory of a setting yields.

    Attributes:
        setting: The variable that names the factory.
        protocol: What the adapter implements.
        suites: The folder of the suites, in the folder `suites`.
        names: Those of the suites in it, if not all are about this port.
    """

    setting: str
    protocol: type
    suites: str
    names: tuple[str, ...] = ("",)

    @property
    def paths(self) -> list[Path]:
        """The files or the folder of the suites."""
        return [_FOLDER / self.suites / name for name in self.names]


PORTS: Final = {
    "attestation": Port("DIALTONE_ATTESTATION", Attestation, "attestation"),
    "database": Port("DIALTONE_DATABASE", Database, "storage"),
    "events": Port("DIALTONE_EVENTS", EventDestination, "events"),
    "limits": Port(
        "DIALTONE_LIMIT_STORE",
        LimitStore,
        "storage",
        (
            "test_limit_store.py",
            "test_crash.py",
            "test_storage_errors.py",
            "test_unanswered_permits.py",
        ),
    ),
    "media": Port("DIALTONE_MEDIA", MediaFiles, "media"),
    "messages": Port("DIALTONE_SMS", Messenger, "messages"),
    "voice": Port("DIALTONE_VOICE", VoiceProvider, "voice"),
}
"""By the name that `--port` has for each."""
