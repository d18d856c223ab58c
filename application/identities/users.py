"""Create, get, rename and delete users."""

from collections.abc import Awaitable, Callable, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from application.identities.additions import IdentityAdditions
from application.identities.assign_phone import AssignPhone
from application.identities.events import UserCreated, UserDeleted
from application.ports.errors import StorageError, UniqueViolation
from application.ports.identities import Identities
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import PhoneVerifications
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock, Randomness
from application.principal import Principal
from application.record_act import RecordAct
from application.update import change
from domain.administration.audit import AuditAction
from domain.administration.scopes import SCOPES_OF_ROLES, Scope
from domain.errors import PhoneInUse, PhoneMismatch, Unauthenticated, UsernameInUse, UserNotFound
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.identity import Identity
from domain.identities.user_events import EventType
from domain.identities.username import Username
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class CreateUser:
    """Make the identity of a phone a user.

    - The phone is the principal's, also if none is named. An administrator may name another.
    - The same user again is a success with the same id: the app posts it at each login. The name
      stays as it is, also where it is spelled in another way.
    - An identity that an administrator makes a user is verified: a call cannot delete it.
    - A phone whose user has another name is an error, before a username in use is.
    - A name that looks like that of somebody with a role is in use.
    """

    identities: Identities
    phone_verifications: PhoneVerifications
    assign_phone: AssignPhone
    keyed_hashes: KeyedHashes
    record_act: RecordAct
    clock: Clock
    randomness: Randomness
    events: SecurityEvents

    async def __call__(
        self, principal: Principal, username: Username, phone: PhoneNumber | None
    ) -> Identity:
        """Create the user that the principal wants to be, or an administrator wants to exist.

        Raises:
            PhoneInUse
            Unauthenticated
        """
        phone = phone or principal.identity.phone
        if phone is None:  # the account was detached since the request began
            raise Unauthenticated
        is_own = phone == principal.identity.phone
        if not is_own:
            self._check_creates_others(principal)
        now = self.clock.now()
        save = partial(self._save, username, phone, now, principal)
        if is_own:
            identity = await reserve_username(self.identities, username, now, save)
        else:
            subject, owner = await self._find_owner(principal, phone)
            if owner is not None and owner.user is not None:
                if owner.user.username.is_same(username):
                    return owner
                raise PhoneInUse
            await check_free(self.identities, username, now)
            action = AuditAction.CREATE_USER
            async with self.record_act.for_another(principal, action, subject):
                identity = await reserve_username(self.identities, username, now, save)
        if identity.user is not None and identity.user.created_at == now:
            self.events.record(UserCreated(phone=phone, user_id=identity.id))
        return identity

    def _check_creates_others(self, principal: Principal) -> None:
        if Scope.CREATE_USERS not in SCOPES_OF_ROLES[principal.identity.staff.role]:
            raise PhoneMismatch
        principal.check_staff()

    async def _find_owner(
        self, principal: Principal, phone: PhoneNumber
    ) -> tuple[str, Identity | None]:
        """Return what the audit calls the owner of a phone, and the owner if it has an account."""
        identity_id = (await self.phone_verifications.load(phone)).value.identity_id
        if identity_id is None:
            return self.keyed_hashes.hash_phone(phone), None
        loaded = await self.identities.load(identity_id)
        if loaded is None:
            return identity_id, None
        principal.check_rank(loaded.value)
        return identity_id, loaded.value if loaded.value.is_open_owner(phone) else None

    async def _save(
        self, username: Username, phone: PhoneNumber, now: datetime, principal: Principal
    ) -> Identity:
        own = principal.identity if phone == principal.identity.phone else None
        identity_id = own.id if own else await self._assign(phone, now)
        holder_ids = await find_holders(self.identities, username, own.username if own else None)

        def become_user(identity: Identity | None) -> tuple[Identity, Identity]:
            identity = (identity or Identity(identity_id, phone, now)).require_open()
            if not own:  # it may have got a role since
                principal.check_rank(identity)
            if user := identity.user:
                if user.username.is_same(username):
                    return identity, identity
                raise PhoneInUse(identity.id, user.username.text) if own else PhoneInUse
            named = set_free_username(identity, username, now, holder_ids)
            created = named.record_event(EventType.USER_CREATED, now)
            return created, created

        try:
            return await change(self.identities, identity_id, become_user)
        except Unauthenticated:
            if own:
                raise
            identity_id = await self._assign(phone, now, deleted_id=identity_id)
            return await change(self.identities, identity_id, become_user)

    async def _assign(
        self, phone: PhoneNumber, now: datetime, deleted_id: str | None = None
    ) -> str:
        new_id = make_identifier(now, self.randomness.bytes(RANDOM_BYTES))
        owner_id, _ = await self.assign_phone(phone, new_id, deleted_id)
        return owner_id


@dataclass(frozen=True, slots=True)
class GetUser:
    """Get a user. An identity that is not a user, or is deleted, is not found."""

    identities: Identities

    async def __call__(self, user_id: str) -> Identity:
        loaded = await self.identities.load(user_id)
        if loaded is None or loaded.value.is_deleted or loaded.value.user is None:
            raise UserNotFound
        return loaded.value


@dataclass(frozen=True, slots=True)
class RenameUser:
    """Give the principal another username, or somebody whom an operator renames.

    The previous name is free at once. One that looks like that of somebody with a role is in use.
    """

    identities: Identities
    clock: Clock

    async def __call__(self, principal: Principal, username: Username) -> Identity:
        return await self.by_id(principal.identity.id, username, principal.identity.username)

    async def check(self, identity: Identity, username: Username) -> None:
        await check_free(self.identities, username, self.clock.now(), identity)

    async def by_id(self, identity_id: str, username: Username, own: Username | None) -> Identity:
        """Rename the user with this id, who is called `own`; see `__call__`."""
        now = self.clock.now()
        save = partial(self._save, identity_id, username, now, own)
        return await reserve_username(self.identities, username, now, save)

    async def _save(
        self, identity_id: str, username: Username, now: datetime, own: Username | None
    ) -> Identity:
        holder_ids = await find_holders(self.identities, username, own)

        def rename(identity: Identity) -> tuple[Identity, Identity]:
            if identity.require_open().user is None:
                raise UserNotFound
            renamed = set_free_username(identity, username, now, holder_ids)
            if renamed != identity:
                renamed = renamed.record_event(EventType.USER_UPDATED, now)
            return renamed, renamed

        return await change(self.identities, identity_id, rename, missing=Unauthenticated)


@dataclass(frozen=True, slots=True)
class DeleteUser:
    """Delete an identity by one write: the principal's own, or one that an operator deletes.

    From then on all its tokens are invalid and nothing of it is shown. Features delete what they
    have of it as far as possible at once; the cleanup does the rest.
    """

    identities: Identities
    additions: IdentityAdditions
    clock: Clock
    events: SecurityEvents

    async def __call__(self, principal: Principal) -> None:
        await self.by_id(principal.identity.id)

    async def by_id(self, identity_id: str) -> None:
        """Delete an identity. One that lost its phone to another owner can be deleted too.

        Raises:
            Unauthenticated: there is no such identity, or it was deleted before.
            StorageError
        """
        now = self.clock.now()

        def delete(identity: Identity) -> tuple[Identity, None]:
            if identity.is_deleted:
                raise Unauthenticated
            return identity.delete(now), None

        await change(self.identities, identity_id, delete, missing=Unauthenticated)
        self.events.record(UserDeleted(user_id=identity_id))
        for delete_some in self.additions.after_deletion:
            with suppress(StorageError):
                await delete_some(identity_id)


async def reserve_username(
    identities: Identities,
    username: Username,
    now: datetime,
    save: Callable[[], Awaitable[Identity]],
) -> Identity:
    """Call `save`, which takes the username, and release a name that is held too long.

    Raises:
        UsernameInUse: another identity has it, or was deleted less than 30 days ago; or it looks
            like the name of somebody with a role.
    """
    with suppress(UniqueViolation):
        return await save()
    holder = await identities.find_by_username(username)
    if holder is not None and holder.value.is_username_released(now):
        await identities.replace(holder.value.release_username(), holder.version)
    try:
        return await save()
    except UniqueViolation as error:
        raise UsernameInUse from error


async def check_free(
    identities: Identities, username: Username, now: datetime, own: Identity | None = None
) -> None:
    """Check that a new user, or the one with the identity `own`, can have a username."""
    own_id = own.id if own else ""
    holder = await identities.find_by_username(username)
    if holder and holder.value.id != own_id and not holder.value.is_username_released(now):
        raise UsernameInUse
    if await find_holders(identities, username, own.username if own else None) - {own_id}:
        raise UsernameInUse


async def find_holders(
    identities: Identities, username: Username, own: Username | None = None
) -> frozenset[str]:
    """Return the ids of identities that keep others from a name, although its key is free.

    They have a role, and their name looks like it. No identity keeps others from the name `own`.

    If somebody gets a role while another one takes a look-alike name, both may succeed, as if the
    name had been taken before.
    """
    if own is not None and own.key == username.key:
        return frozenset()
    return frozenset([holder.value.id for holder in await identities.list_staff_like(username)])


def set_free_username(
    identity: Identity, username: Username, now: datetime, holder_ids: Set[str]
) -> Identity:
    """Return the identity with the username, unless another one holds it (`find_holders`).

    Raises:
        UniqueViolation: another one does, and this identity does not have the name itself.
    """
    if holder_ids - {identity.id} and identity.username_key != username.key:
        raise UniqueViolation("another identity holds this username")
    return identity.set_username(username, now)
