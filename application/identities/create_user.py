from dataclasses import dataclass
from datetime import datetime

from application.identities.authenticate import Caller
from application.identities.phone_owner import claim_phone
from application.identities.username_claims import claim_username
from application.ports.clock import Clock
from application.ports.errors import StoreUnavailable
from application.ports.identities import Identities
from application.ports.phone_records import PhoneRecords
from application.ports.randomness import Randomness
from application.swaps import ROUNDS
from domain.errors import PhoneInUse, PhoneNotOwn, Unauthenticated, UserNotSaved
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.identity import Identity
from domain.identities.username import Username
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class NewUser:
    """The user that `caller` wants to be, or, if an administrator, wants somebody to be."""

    caller: Caller
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
    phone_records: PhoneRecords
    clock: Clock
    randomness: Randomness

    async def __call__(self, new: NewUser) -> Identity:
        """Raises PhoneNotOwn, PhoneInUse, UsernameInUse, Unauthenticated, UserNotSaved."""
        is_own = new.phone == new.caller.identity.phone
        if not is_own and not new.caller.identity.is_administrator:
            raise PhoneNotOwn
        now = self.clock.now()

        async def save() -> Identity:
            return await self._save(new, now, is_own=is_own)

        try:
            return await claim_username(self.identities, new.username, now, save)
        except StoreUnavailable as error:
            raise UserNotSaved from error

    async def _save(self, new: NewUser, now: datetime, *, is_own: bool) -> Identity:
        identity_id = new.caller.identity.id if is_own else await self._claim(new.phone, now)
        for _ in range(ROUNDS):
            loaded = await self.identities.load(identity_id)
            if loaded is None:
                identity = Identity(identity_id, new.phone, now).named(new.username, now)
                if await self.identities.add(identity):
                    return identity
            elif not loaded.value.is_alive:
                if is_own:
                    raise Unauthenticated
                identity_id = await self._claim(new.phone, now, dead_id=identity_id)
            elif loaded.value.user is not None:
                return _as_it_is(loaded.value, new.username, is_own=is_own)
            else:
                identity = loaded.value.named(new.username, now)
                if await self.identities.replace(identity, loaded.version):
                    return identity
        raise StoreUnavailable("too many requests at one identity")

    async def _claim(self, phone: PhoneNumber, now: datetime, dead_id: str | None = None) -> str:
        fresh_id = make_identifier(now, self.randomness.bytes(RANDOM_BYTES))
        owner = await claim_phone(self.phone_records, phone, fresh_id, dead_id)
        return owner.identity_id


def _as_it_is(identity: Identity, username: Username, *, is_own: bool) -> Identity:
    user = identity.user
    if user is not None and user.username.key == username.key:
        return identity
    if is_own and user is not None:
        raise PhoneInUse(identity.id, user.username.text)
    raise PhoneInUse
