"""What operators do with phones and users: roles, blocks, logout."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from application.identities.events import (
    IdentityDetached,
    IdentityRestored,
    PhoneBlockedByOperator,
    PhoneUnblockedByOperator,
    RoleChanged,
    SessionRevoked,
)
from application.identities.phone_holds import PhoneHolds
from application.ports.errors import UniqueViolation
from application.ports.identities import Identities
from application.ports.otp import PhoneVerifications
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from application.update import save_identity, update_identity, update_phone_verification
from domain.errors import (
    ExternalIdInUse,
    Forbidden,
    InvalidValue,
    PhoneInUse,
    Unauthenticated,
    UserNotFound,
)
from domain.identities.external_id import ExternalId
from domain.identities.identity import Identity
from domain.identities.role import Role
from domain.identities.user_events import EventType
from domain.otp.phone_verification import PhoneVerification
from domain.otp.review_otps import TestOtps
from domain.phone import PhoneNumber

_IS_HELD: Final = (
    "This number is held for an account that has another one, and could not undo that while it is "
    "blocked. An administrator or a command may block it."
)


class _Held(Exception):
    """The phone is held for its former owner."""


@dataclass(frozen=True, slots=True)
class OperatorActions:
    """What operators do with phones and users: roles, blocks, logout.

    Repeating an action completes one that was interrupted.
    """

    identities: Identities
    phone_verifications: PhoneVerifications
    phone_holds: PhoneHolds
    clock: Clock
    events: SecurityEvents
    test_otps: TestOtps

    async def change_role(self, user: str | PhoneNumber, role: Role) -> Identity:
        """Make a user an administrator, or a member again. It acts with the next request.

        A phone with a test OTP does not become an administrator: anybody who knows its code would.
        Neither does one that joined by a call: nobody has proved to own it.

        Args:
            user: the id or the phone.
            role: the new role.

        Raises:
            UserNotFound
            InvalidValue: the phone of a future administrator has a test OTP, or is not verified.
            StorageError
        """
        change = self._promote if role is Role.ADMINISTRATOR else Identity.demote
        changed = await self._update_user(user, change)
        self.events.record(RoleChanged(phone=changed.phone, user_id=changed.id, role=role))
        return changed

    async def set_external_id(self, identity_id: str, external_id: ExternalId | None) -> Identity:
        """Set what another system calls an identity, or remove it.

        Raises:
            UserNotFound
            ExternalIdInUse
            StorageError
        """
        try:
            return await self._update_user(
                identity_id, lambda identity: identity.set_external_id(external_id)
            )
        except UniqueViolation as error:
            raise ExternalIdInUse from error

    async def revoke_sessions(self, user: str | PhoneNumber) -> int:
        """Revoke all sessions of a user, who may log in again at once.

        Args:
            user: the id or the phone.

        Returns:
            How many were active.

        Raises:
            UserNotFound: nobody logged in with this phone, or the identity is deleted.
            StorageError
        """
        now = self.clock.now()
        revoked = 0

        def revoke(identity: Identity) -> Identity:
            nonlocal revoked
            revoked = len(identity.active_sessions(now))
            return identity.revoke_all_sessions()

        identity = await self._update_user(user, revoke)
        self.events.record(
            SessionRevoked(
                phone=identity.phone,
                user_id=identity.id,
                reason=f"by an operator, sessions: {revoked}",
            )
        )
        return revoked

    async def block(self, phone: PhoneNumber, *, unless_held: bool = False) -> None:
        """Block a phone: nothing is delivered to it, no code is correct, all its tokens stop.

        - The verification is blocked first: no code is correct after that.
        - The identity is blocked second: its sessions are revoked, and a login that was verified
          before finds it blocked. An identity that does not exist yet is created blocked.
        - A phone that is held for an identity can undo nothing while it is blocked.

        Args:
            phone: The phone.
            unless_held: Do nothing to a phone that is held.

        Raises:
            Forbidden: It is held.
            StorageError
        """
        now = self.clock.now()

        def block_phone(verification: PhoneVerification) -> tuple[PhoneVerification, str | None]:
            if unless_held and verification.is_held(now):
                raise _Held
            return verification.block(now), verification.identity_id

        try:
            identity_id = await update_phone_verification(
                self.phone_verifications, phone, block_phone
            )
        except _Held:
            if not await self.phone_holds.end_void(phone):
                raise Forbidden(_IS_HELD) from None
            await self.block(phone, unless_held=True)
            return
        if identity_id is not None:

            def block(identity: Identity | None) -> Identity:
                if identity is None:  # a login or a call is about to create it
                    identity = Identity(identity_id, phone, now, is_verified=False)
                return identity.block(now) if identity.is_open_owner(phone) else identity

            await save_identity(self.identities, identity_id, block)
        self.events.record(PhoneBlockedByOperator(phone=phone, user_id=identity_id))

    async def unblock(self, phone: PhoneNumber) -> None:
        """Let a blocked phone log in again. Revoked sessions stay revoked.

        The identity is unblocked first and the verification second: until then no code is correct,
        so none is used for an identity that is still blocked.

        Raises:
            StorageError
        """
        identity_id, now = await self._find_owner(phone), self.clock.now()
        if identity_id is not None:
            with suppress(Unauthenticated):  # it is deleted, or does not exist yet
                await update_identity(
                    self.identities, identity_id, lambda identity: identity.unblock(now)
                )

        await update_phone_verification(
            self.phone_verifications, phone, lambda verification: (verification.unblock(), None)
        )
        self.events.record(PhoneUnblockedByOperator(phone=phone, user_id=identity_id))

    async def restore(self, identity_id: str) -> Identity:
        """Give a phone back to the identity that was detached from it.

        - The present owner of the phone is detached in turn, so that this can be undone.
        - The restored identity has its media, but no username, role or session: its owner logs in.

        Raises:
            UserNotFound: there is no detached identity with this id.
            PhoneInUse: the phone is held for an identity that changed to another one.
            StorageError
        """
        now = self.clock.now()
        loaded = await self.identities.load(identity_id)
        if loaded is None or loaded.value.detached_at is None or loaded.value.phone is None:
            raise UserNotFound
        phone = loaded.value.phone
        if not await self.phone_holds.end_void(phone):
            raise PhoneInUse
        while (owner_id := await self._find_owner(phone)) != identity_id:
            if owner_id is not None:
                await self._detach(owner_id, phone, now)
            await self._replace_owner(phone, owner_id, identity_id)

        def restore(identity: Identity | None) -> Identity:
            if identity is None:
                raise UserNotFound
            return identity.restore(now)

        identity = await save_identity(self.identities, identity_id, restore)
        self.events.record(IdentityRestored(phone=phone, user_id=identity_id))
        return identity

    async def _detach(self, owner_id: str, phone: PhoneNumber, now: datetime) -> None:
        def detach(identity: Identity | None) -> Identity:
            if identity is None:  # a login is about to create it
                identity = Identity(owner_id, phone, now)
            return identity.detach(now) if identity.is_open_owner(phone) else identity

        await save_identity(self.identities, owner_id, detach)
        self.events.record(IdentityDetached(phone=phone, user_id=owner_id))

    async def _replace_owner(
        self, phone: PhoneNumber, owner_id: str | None, identity_id: str
    ) -> None:
        def replace_owner(verification: PhoneVerification) -> tuple[PhoneVerification, None]:
            is_owner = verification.identity_id == owner_id
            if not is_owner:
                return verification, None
            return verification.change_owner(identity_id), None

        await update_phone_verification(self.phone_verifications, phone, replace_owner)

    def _promote(self, identity: Identity) -> Identity:
        if any(self.test_otps.includes(phone) for phone in identity.all_phones):
            raise InvalidValue(
                "This phone has a fixed code in DIALTONE_TEST_OTPS, so anybody who knows the code "
                "would be an administrator. Remove it there, revoke its sessions (dialtone user "
                "sign-out), and try again."
            )
        if not identity.is_verified:
            raise InvalidValue(
                "This phone joined by a call, which proves nothing. Its owner signs in first."
            )
        return identity.promote()

    async def _update_user(
        self, user: str | PhoneNumber, change: Callable[[Identity], Identity]
    ) -> Identity:
        identity_id = user if isinstance(user, str) else await self._find_owner(user)
        if identity_id is None:
            raise UserNotFound
        now = self.clock.now()

        def change_and_record(identity: Identity) -> Identity:
            changed = change(identity)
            # Sessions are no concern of the app's backend.
            is_update = (changed.role, changed.external_id) != (identity.role, identity.external_id)
            return changed.record_event(EventType.USER_UPDATED, now) if is_update else changed

        try:
            return await update_identity(self.identities, identity_id, change_and_record)
        except Unauthenticated as error:
            raise UserNotFound from error

    async def _find_owner(self, phone: PhoneNumber) -> str | None:
        return (await self.phone_verifications.load(phone)).value.identity_id
