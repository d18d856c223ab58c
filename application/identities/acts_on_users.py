"""What operators do with phones and users: roles, blocks, logout."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from application.identities.events import (
    IdentityDetached,
    PhoneBlockedByOperator,
    PhoneUnblockedByOperator,
    RoleChanged,
    SessionRevoked,
)
from application.ports.errors import UniqueViolation
from application.ports.identities import Identities
from application.ports.otp import PhoneVerifications
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from application.update import change
from domain.errors import (
    ExternalIdInUse,
    Forbidden,
    HasFixedCode,
    InvalidValue,
    PhoneBlocked,
    UserNotFound,
)
from domain.identities.external_id import ExternalId
from domain.identities.identity import Identity
from domain.identities.role import Role
from domain.identities.user_events import EventType
from domain.otp.fixed_codes import FixedCodes
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber

JOINED_BY_CALL: Final = (
    "This phone joined by a call, which proves nothing. Its owner signs in first."
)


@dataclass(frozen=True, slots=True)
class OperatorActions:
    """What operators do with phones and users: roles, blocks, logout.

    Repeating an action completes one that was interrupted.
    """

    identities: Identities
    phone_verifications: PhoneVerifications
    clock: Clock
    events: SecurityEvents
    fixed_codes: FixedCodes

    async def change_role(self, user: str | PhoneNumber, role: Role) -> Identity:
        """Give a user a role, or make one a member again, from the next request on.

        A phone with a fixed code gets no role: anybody who knows its code would have it. A phone
        that joined by a call gets none either: its ownership is unproven.
        """

        def set_role(identity: Identity) -> Identity:
            self.check_role(identity, role)
            return identity.promote(role) if role.is_staff else identity.demote()

        _, changed = await self._change_user(user, set_role)
        self.events.record(RoleChanged(phone=changed.phone, user_id=changed.id, role=role))
        return changed

    async def check_external_id(self, identity_id: str, external_id: ExternalId | None) -> None:
        """Check that no other identity has an external id.

        Raises:
            ExternalIdInUse
        """
        holder = external_id and await self.identities.find_by_external_id(external_id)
        if holder and holder.value.id != identity_id:
            raise ExternalIdInUse

    async def set_external_id(self, identity_id: str, external_id: ExternalId | None) -> Identity:
        """Set what another system calls an identity, or remove it."""
        try:
            _, changed = await self._change_user(
                identity_id, lambda identity: replace(identity, external_id=external_id)
            )
        except UniqueViolation as error:
            raise ExternalIdInUse from error
        return changed

    async def revoke_sessions(self, user: str | PhoneNumber) -> int:
        """Revoke all sessions of a user, who may log in again at once."""
        former, identity = await self._change_user(user, Identity.revoke_all_sessions)
        revoked = len(former.active_sessions(self.clock.now()))
        self.events.record(
            SessionRevoked(
                phone=identity.phone,
                user_id=identity.id,
                reason=f"by an operator, sessions: {revoked}",
            )
        )
        return revoked

    async def revoke_session(self, user: str, session_id: str) -> None:
        """Revoke a session of a user, which may have ended, with its recognized device."""
        _, identity = await self._change_user(
            user, lambda identity: identity.revoke_session(session_id).revoke_device_of(session_id)
        )
        self.events.record(
            SessionRevoked(
                phone=identity.phone,
                user_id=identity.id,
                session_id=session_id,
                reason="by an operator, one session",
            )
        )

    async def block(self, phone: PhoneNumber) -> None:
        """Block a phone: no code signs in, and all its tokens stop.

        - The verification is blocked first: no code signs in after that.
        - The identity is blocked second: its sessions are revoked, and a login that was verified
          before finds it blocked. An identity that does not exist yet is created blocked.
        """
        now = self.clock.now()

        def block_phone(
            verification: PhoneVerification,
        ) -> tuple[PhoneVerification, str | None]:
            return verification.block(now), verification.identity_id

        identity_id = await change(self.phone_verifications, phone, block_phone)
        if identity_id is not None:

            def block(identity: Identity | None) -> tuple[Identity, None]:
                if identity is None:  # a login or a call is about to create it
                    identity = Identity(identity_id, phone, now, is_verified=False)
                return (identity.block(now) if identity.is_open_owner(phone) else identity), None

            await change(self.identities, identity_id, block)
        self.events.record(PhoneBlockedByOperator(phone=phone, user_id=identity_id))

    async def unblock(self, phone: PhoneNumber) -> None:
        """Let a blocked phone log in again. Revoked sessions stay revoked.

        The identity is unblocked first and the verification second: until then no code signs in,
        so none is used for an identity that is still blocked.
        """
        identity_id, now = await self._find_owner(phone), self.clock.now()
        if identity_id is not None:

            def unblock(identity: Identity | None) -> tuple[Identity | None, None]:
                if identity is None or identity.is_closed:  # None: a login is about to create it
                    return identity, None
                return identity.unblock(now), None

            await change(self.identities, identity_id, unblock)
        await change(
            self.phone_verifications, phone, lambda verification: (verification.unblock(), None)
        )
        self.events.record(PhoneUnblockedByOperator(phone=phone, user_id=identity_id))

    async def detach(self, identity_id: str) -> None:
        """Take the phone from an identity, as a login does after the phone was recycled.

        - The identity is detached first: its sessions end, and a login that was verified before
          goes to a new one.
        - The phone is released second, with its codes and trusted IPs. Deliveries and failures
          stay.

        Raises:
            UserNotFound
        """
        now = self.clock.now()

        def detach(identity: Identity) -> tuple[Identity, Identity]:
            if identity.is_deleted:
                raise UserNotFound
            check_detachable(identity)
            return (identity if identity.is_closed else identity.detach(now)), identity

        former = await change(self.identities, identity_id, detach, missing=UserNotFound)
        if former.phone is not None and not former.is_closed:
            reason = "by an operator"
            self.events.record(
                IdentityDetached(phone=former.phone, user_id=identity_id, reason=reason)
            )

        def release(verification: PhoneVerification) -> tuple[PhoneVerification, None]:
            if verification.identity_id != identity_id:
                return verification, None
            return verification.release(), None

        for phone in former.all_phones:
            await change(self.phone_verifications, phone, release)

    def check_role(self, identity: Identity, role: Role) -> None:
        """Raise what `change_role` raises if a user cannot get the role."""
        if not role.is_staff:
            return
        if any(self.fixed_codes.includes(phone) for phone in identity.all_phones):
            raise HasFixedCode
        if not identity.is_verified:
            raise InvalidValue(JOINED_BY_CALL)

    async def _change_user(
        self, user: str | PhoneNumber, change_identity: Callable[[Identity], Identity]
    ) -> tuple[Identity, Identity]:
        identity_id = user if isinstance(user, str) else await self._find_owner(user)
        if identity_id is None:
            raise UserNotFound
        now = self.clock.now()

        def change_and_record(identity: Identity) -> tuple[Identity, tuple[Identity, Identity]]:
            if identity.is_closed:
                raise UserNotFound
            changed = change_identity(identity)
            # The app's backend is not told of sessions.
            if (changed.staff.role, changed.external_id) != (
                identity.staff.role,
                identity.external_id,
            ):
                changed = changed.record_event(EventType.USER_UPDATED, now)
            return changed, (identity, changed)

        return await change(self.identities, identity_id, change_and_record, missing=UserNotFound)

    async def _find_owner(self, phone: PhoneNumber) -> str | None:
        return (await self.phone_verifications.load(phone)).value.identity_id


def check_detachable(identity: Identity) -> None:
    """Check that an operator may detach an identity from its phone.

    Raises:
        Forbidden: it has a role.
        PhoneBlocked
    """
    if identity.is_staff:
        raise Forbidden("An account of the staff is not detached. Demote it first.")
    if identity.is_blocked:
        raise PhoneBlocked
