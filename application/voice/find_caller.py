"""Find whose number a caller id is."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from application.ports.identities import Identities
from application.ports.otp import PhoneVerifications
from application.update import update_identity
from domain.errors import Unauthenticated
from domain.phone import PhoneNumber
from domain.voice.walk import Caller


@dataclass(frozen=True, slots=True)
class FindCaller:
    """Find the identity of a caller id. Nothing proves that its owner is calling.

    A deleted or detached identity is none. That a phone is blocked makes no difference.
    """

    phone_verifications: PhoneVerifications
    identities: Identities

    async def __call__(self, phone: PhoneNumber | None) -> Caller:
        """Find the caller.

        Raises:
            StorageError
        """
        if phone is None:
            return Caller()
        verification = (await self.phone_verifications.load(phone)).value
        identity_id, locale = verification.identity_id, verification.call_locale
        tag = locale.tag if locale else None
        loaded = await self.identities.load(identity_id) if identity_id else None
        if loaded is None or loaded.value.is_closed:
            return Caller(phone, locale=tag)
        return Caller(phone, identity_id, loaded.value.is_verified, tag)

    async def mark_called(self, caller: Caller, now: datetime) -> None:
        """Keep the caller's unverified identity for longer. Without calls, it is deleted.

        Raises:
            StorageError
        """
        if caller.identity_id and not caller.is_verified:
            with suppress(Unauthenticated):  # it was deleted in the meantime
                await update_identity(
                    self.identities, caller.identity_id, lambda identity: identity.mark_called(now)
                )
