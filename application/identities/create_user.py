from dataclasses import dataclass
from datetime import datetime

from application.identities.assign_phone import assign_phone
from application.identities.authenticate import Principal
from application.identities.reserve_username import reserve_username
from application.ports.clock import Clock
from application.ports.errors import StorageUnavailable
from application.ports.identities import Identities
from application.ports.phone_verifications import PhoneVerifications
from application.ports.randomness import Randomness
from application.update import MAX_RETRIES
from domain.errors import PhoneInUse, PhoneMismatch, Unauthenticated, UserSaveFailed
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.identity import Identity
from domain.identities.username import Username
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class CreateUserCommand:
    """The user that `principal` wants to be, or, if an administrator, wants somebody to be."""

    principal: Principal
    username: Username
    phone: PhoneNumber


@dataclass(frozen=True, slots=True)
class CreateUser:
    """Make the identity behind a phone a user.

    - The phone is the one that the caller signed in with; an administrator may name another.
    - The same user again is a success, with the same id: the app posts it at each sign-in.
    - A phone that has a user of another name is refused, and that before a name in use.
    """

    identities: Identities
    phone_verifications: PhoneVerifications
    clock: Clock
    randomness: Randomness

    async def __call__(self, new: CreateUserCommand) -> Identity:
        """Raises PhoneMismatch, PhoneInUse, UsernameInUse, Unauthenticated, UserSaveFailed."""
        is_own = new.phone == new.principal.identity.phone
        if not is_own and not new.principal.identity.is_administrator:
            raise PhoneMismatch
        now = self.clock.now()

        async def save() -> Identity:
            return await self._save(new, now, is_own=is_own)

        try:
            return await reserve_username(self.identities, new.username, now, save)
        except StorageUnavailable as error:
            raise UserSaveFailed from error

    async def _save(self, new: CreateUserCommand, now: datetime, *, is_own: bool) -> Identity:
        identity_id = new.principal.identity.id if is_own else await self._claim(new.phone, now)
        for _ in range(MAX_RETRIES):
            loaded = await self.identities.load(identity_id)
            if loaded is None:
                identity = Identity(identity_id, new.phone, now).set_username(new.username, now)
                if await self.identities.add(identity):
                    return identity
            elif loaded.value.is_deleted:
                if is_own:
                    raise Unauthenticated
                identity_id = await self._claim(new.phone, now, dead_id=identity_id)
            elif loaded.value.user is not None:
                return _as_it_is(loaded.value, new.username, is_own=is_own)
            else:
                identity = loaded.value.set_username(new.username, now)
                if await self.identities.replace(identity, loaded.version):
                    return identity
        raise StorageUnavailable("too many requests at one identity")

    async def _claim(self, phone: PhoneNumber, now: datetime, dead_id: str | None = None) -> str:
        fresh_id = make_identifier(now, self.randomness.bytes(RANDOM_BYTES))
        owner = await assign_phone(self.phone_verifications, phone, fresh_id, dead_id)
        return owner.identity_id


def _as_it_is(identity: Identity, username: Username, *, is_own: bool) -> Identity:
    user = identity.user
    if user is not None and user.username.key == username.key:
        return identity
    if is_own and user is not None:
        raise PhoneInUse(identity.id, user.username.text)
    raise PhoneInUse
