"""Find whose number a caller id is."""

from typing import NamedTuple

from application.ports.identities import Identities
from application.ports.phone_verifications import PhoneVerifications
from domain.phone import PhoneNumber
from domain.values import dataclass
from domain.voice.walk import Caller, CallerIdentity


class FoundCaller(NamedTuple):
    """A caller, and the id of the identity that the caller id belongs to, if there is one."""

    caller: Caller
    identity_id: str | None = None


@dataclass(frozen=True, slots=True)
class FindCaller:
    """Find the identity of a caller id. Nothing proves that its owner is calling.

    A deleted or detached identity is none. That a phone is blocked makes no difference.
    """

    phone_verifications: PhoneVerifications
    identities: Identities

    async def __call__(self, phone: PhoneNumber | None) -> FoundCaller:
        """Find the caller.

        Raises:
            StorageError
        """
        if phone is None:
            return FoundCaller(Caller())
        identity_id = (await self.phone_verifications.load(phone)).value.identity_id
        loaded = await self.identities.load(identity_id) if identity_id else None
        if loaded is None or loaded.value.is_closed:
            return FoundCaller(Caller(phone))
        is_verified = loaded.value.is_verified
        identity = CallerIdentity.VERIFIED if is_verified else CallerIdentity.UNVERIFIED
        return FoundCaller(Caller(phone, identity), identity_id)
