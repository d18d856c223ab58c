"""The port of the journal."""

from typing import Protocol

from application.ports.errors import PortError


class JournalUnavailable(PortError):
    """The line was not written, or nobody knows. A second one does no harm."""


class Journal(Protocol):
    """A place outside the database and its backups, where lines are added."""

    async def write(self, line: str) -> None:
        """Add a line, which has no line break. It is durable when this returns, within 5 seconds.

        Raises:
            JournalUnavailable
        """
        ...
