"""Give an identity its former phone back, whose owner has proved to have it."""

from contextlib import suppress
from dataclasses import dataclass

from application.features.phone_change.complete import CompletePhoneChange
from application.features.phone_change.make_phone_change import MakePhoneChange
from application.identities.phone_holds import PhoneHolds
from application.ports.errors import StorageError
from application.ports.otp import PhoneVerifications
from application.ports.system import Clock
from application.update import change
from domain.errors import Unauthenticated
from domain.features.phone_change.errors import UndoNotPossible
from domain.identities.identity import Identity, UsedChallenge
from domain.identities.phone_change import PhoneChange
from domain.otp.client_ip import HashedClientIp
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeUndo:
    """Give an identity its former phone back, or complete what the same code began.

    The phone trusts the IP of the undo, as that of a login: the owner signs in next, and no
    stranger can use up these messages.
    """

    phone_verifications: PhoneVerifications
    holds: PhoneHolds
    complete: CompletePhoneChange
    make_change: MakePhoneChange
    clock: Clock

    async def __call__(
        self,
        identity: Identity,
        used: UsedChallenge,
        phone: PhoneNumber,
        client_ip: HashedClientIp,
    ) -> bool:
        """Undo the change, and return whether the identity has this phone.

        The identity has another phone if the code was used for an earlier undo.

        Raises:
            UndoNotPossible
            AuditFailed: nothing was done.
            StorageError
        """
        if identity.has_used(used.id):
            undone = await self.complete(identity.id)
        else:
            change = await self._describe_change(identity, phone)
            try:
                undone = await self.make_change(identity.id, change, used)
            except Unauthenticated as error:
                raise UndoNotPossible from error
        if undone is None or undone.phone != phone:
            return False
        await self.trust(undone.id, phone, client_ip)
        return True

    async def _describe_change(self, identity: Identity, phone: PhoneNumber) -> PhoneChange:
        """Return the change that undoes the one of this phone; raises UndoNotPossible."""
        held = (await self.phone_verifications.load(phone)).value
        now = self.clock.now()
        if await self.holds.find_holder(held) != identity.id or identity.phone is None:
            raise UndoNotPossible
        return PhoneChange(
            new_phone=phone,
            old_phone=identity.phone,
            started_at=now,
            attempted_at=now,
            is_undo=True,
            undo_until=held.hold.undo_until,
        )

    async def trust(self, identity_id: str, phone: PhoneNumber, client_ip: HashedClientIp) -> None:
        """Trust the IP as that of a login, as far as possible."""
        now = self.clock.now()

        def trust(verification: PhoneVerification) -> tuple[PhoneVerification, None]:
            is_owner = verification.identity_id == identity_id
            return (verification.trust_ip(client_ip, now) if is_owner else verification), None

        with suppress(StorageError):  # without it, strangers may use up the next messages
            await change(self.phone_verifications, phone, trust)
