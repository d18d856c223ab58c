"""The hold of a phone for the identity that had it before, while it may get the phone back."""

from dataclasses import dataclass

from application.ports.identities import Identities
from application.ports.otp import PhoneVerifications
from application.ports.system import Clock
from application.update import change
from domain.errors import PhoneInUse
from domain.identities.identity import Identity
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class PhoneHolds:
    """Find out for whom a phone is held.

    The hold is in the record of the phone. It is void where its identity is deleted, or where an
    earlier change was undone meanwhile: only the identity knows that.
    """

    phone_verifications: PhoneVerifications
    identities: Identities
    clock: Clock

    async def find_holder(self, verification: PhoneVerification) -> str | None:
        """Return the id of the identity that a phone is held for, or None; see `load_holder`."""
        holder = await self.load_holder(verification)
        return holder.id if holder else None

    async def load_holder(self, verification: PhoneVerification) -> Identity | None:
        """Return the identity that a phone is held for, or None.

        Raises:
            StorageError
        """
        hold = verification.hold
        if hold.identity_id is None or not hold.is_active(self.clock.now()):
            return None
        loaded = await self.identities.load(hold.identity_id)
        is_valid = loaded is not None and loaded.value.is_undo_possible(hold.undo_until)
        return loaded.value if loaded is not None and is_valid else None

    async def end_void(self, phone: PhoneNumber) -> bool:
        """End the hold of a phone if it is void, and return whether the phone is not held then.

        Raises:
            StorageError
        """

        async def end(verification: PhoneVerification) -> tuple[PhoneVerification, None]:
            return await self.drop_void(verification), None

        try:
            await change(self.phone_verifications, phone, end)
        except PhoneInUse:
            return False
        return True

    async def drop_void(self, verification: PhoneVerification) -> PhoneVerification:
        """Return the verification without its hold, which is void.

        Raises:
            PhoneInUse: The phone is held.
            StorageError
        """
        if await self.find_holder(verification) is not None:
            raise PhoneInUse
        return verification.end_hold()
