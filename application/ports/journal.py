"""The journal, and who is told of changes."""

from typing import Protocol

from application.ports.errors import PortError
from domain.identities.identity import Identity
from domain.media.item import MediaItem
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber


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


class ChangeObserver(Protocol):
    """Is told of each record that was loaded by its id, and replaced. No method raises."""

    async def identity_changed(self, former: Identity, changed: Identity) -> None:
        """An identity was replaced."""
        ...

    async def phone_changed(
        self, phone: PhoneNumber, former: PhoneVerification, changed: PhoneVerification
    ) -> None:
        """The verification of a phone was replaced, or added: then `former` is an empty one."""
        ...

    async def item_changed(self, former: MediaItem, changed: MediaItem) -> None:
        """An item of the library was replaced."""
        ...
