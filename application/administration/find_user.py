"""Find a user by phone, username, id or external id."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from application.ports.identities import Identities
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import PhoneVerifications
from application.ports.versioned import Versioned
from domain.errors import UserNotFound
from domain.identities.external_id import ExternalId
from domain.identities.identity import Identity
from domain.identities.username import Username
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class ExternalIdQuery:
    """What another system calls a user."""

    external_id: ExternalId


UserQuery: TypeAlias = PhoneNumber | Username | ExternalIdQuery | str
"""A phone, a username, an external id, or the id of an identity."""


@dataclass(frozen=True, slots=True)
class FoundUser:
    """A phone with its identity, a phone without one, or an identity that has no phone.

    Attributes:
        phone: None for an identity that was deleted, or that lost its phone.
        identity: A deleted one is found by its id only, one that lost its phone also by its
            external id.
        subject: What the audit calls it: the id of the identity, or the hash of the phone.
        changing: The identity whose change to or from this phone is under way; None without one.
    """

    phone: PhoneNumber | None
    identity: Identity | None
    subject: str
    changing: Identity | None = None

    @property
    def concerned(self) -> Sequence[Identity]:
        return [identity for identity in (self.identity, self.changing) if identity is not None]

    def require_phone(self) -> PhoneNumber:
        """Return the phone; raises UserNotFound without one."""
        if self.phone is None:
            raise UserNotFound
        return self.phone

    def require_identity(self) -> Identity:
        """Return the identity; raises UserNotFound without one, or if it was deleted."""
        if self.identity is None or self.identity.is_deleted:
            raise UserNotFound
        return self.identity

    def require_open_identity(self) -> Identity:
        """Return the identity; raises UserNotFound also if it lost its phone."""
        if self.identity is None or self.identity.is_closed:
            raise UserNotFound
        return self.identity


@dataclass(frozen=True, slots=True)
class FindUser:
    """Find a user by id, external id, username or phone, also a phone without an account."""

    identities: Identities
    phone_verifications: PhoneVerifications
    keyed_hashes: KeyedHashes

    async def __call__(self, query: UserQuery) -> FoundUser:
        match query:
            case PhoneNumber():
                return await self._find_by_phone(query)
            case Username():
                return await self._find_by_username(query)
            case ExternalIdQuery():
                holder = await self.identities.find_by_external_id(query.external_id)
                return _to_found(holder)
            case _:
                return await self._find_by_id(query)

    async def find_any(self, queries: Sequence[UserQuery]) -> Sequence[FoundUser]:
        """Find all that a text may mean: one for each reading that finds somebody.

        The result includes a phone without an account: somebody else may have it as a username.
        """
        found: dict[str, FoundUser] = {}
        for query in queries:
            with suppress(UserNotFound):
                user = await self(query)
                found[user.subject] = user
        return [*found.values()]

    async def _find_by_phone(self, phone: PhoneNumber) -> FoundUser:
        verification = (await self.phone_verifications.load(phone)).value
        identity_id = verification.identity_id
        loaded = await self.identities.load(identity_id) if identity_id else None
        named = loaded.value if loaded is not None and not loaded.value.is_closed else None
        if named is not None and named.phone == phone:
            return FoundUser(phone, named, named.id)
        return FoundUser(phone, None, self.keyed_hashes.hash_phone(phone), named)

    async def _find_by_username(self, username: Username) -> FoundUser:
        holder = await self.identities.find_by_username(username)
        if holder is None or holder.value.is_closed:
            raise UserNotFound
        return FoundUser(holder.value.phone, holder.value, holder.value.id)

    async def _find_by_id(self, identity_id: str) -> FoundUser:
        return _to_found(await self.identities.load(identity_id))


def _to_found(loaded: Versioned[Identity] | None) -> FoundUser:
    if loaded is None:
        raise UserNotFound
    identity = loaded.value
    return FoundUser(None if identity.is_closed else identity.phone, identity, identity.id)
