"""Who is told of changes of records."""

from typing import Protocol

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
