"""The port of the web console: its sessions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.ports.versioned import Records
from domain.console.session import ConsoleSession


class ConsoleSessions(Records[ConsoleSession], Protocol):
    """The sessions of administrators in the web console, until they expire."""

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired sessions, and return their number.

        Raises:
            StorageError
        """
        ...


@dataclass(frozen=True, slots=True)
class ConsoleRepositories:
    """The repositories of the web console."""

    sessions: ConsoleSessions
