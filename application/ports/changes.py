"""Who is told of changes of records."""

from typing import Protocol

from domain.administration.audit import AuditAction
from domain.identities.identity import Identity
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber


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

    async def item_changed(self, action: AuditAction, owner_id: str, item_id: str) -> None:
        """An item of a user was hidden, shown again or deleted."""
        ...


class ChangeObservers:
    """All observers as one. A feature adds its own when it is opened."""

    def __init__(self) -> None:
        """Begin without one."""
        self._observers: list[ChangeObserver] = []

    def add(self, observer: ChangeObserver) -> None:
        """Add an observer."""
        self._observers.append(observer)

    async def identity_changed(self, former: Identity, changed: Identity) -> None:
        """Tell all of an identity."""
        for observer in self._observers:
            await observer.identity_changed(former, changed)

    async def phone_changed(
        self, phone: PhoneNumber, former: PhoneVerification, changed: PhoneVerification
    ) -> None:
        """Tell all of the verification of a phone."""
        for observer in self._observers:
            await observer.phone_changed(phone, former, changed)

    async def item_changed(self, action: AuditAction, owner_id: str, item_id: str) -> None:
        """Tell all of an item."""
        for observer in self._observers:
            await observer.item_changed(action, owner_id, item_id)
