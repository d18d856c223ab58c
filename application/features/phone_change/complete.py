"""Begin a change of the number, and complete it with a code to each of both."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from application import update
from application.identities.events import IdentityDetached, UserDeleted
from application.otp.deliver_code import SendNotice
from application.ports.errors import ConcurrencyConflict
from application.ports.identities import Identities
from application.ports.otp import PhoneVerifications
from application.ports.security_events import PhoneEvent, SecurityEvent, SecurityEvents
from application.ports.system import Clock
from application.ports.versioned import Versioned
from domain.errors import ConflictingValue, IncorrectOtp, PhoneInUse, Unauthenticated
from domain.identities.identity import Identity, UsedChallenge
from domain.identities.phone_change import PhoneChange, PhoneChangeStep, PhoneNotice
from domain.otp.fixed_codes import FixedCodes
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber


@dataclass(frozen=True, kw_only=True)
class PhoneChanged(PhoneEvent):
    """An account has another number, which is the phone."""

    name = "phone_changed"
    is_always_logged = True
    user_id: str
    reason: str


RETRY_DELAY: Final = timedelta(minutes=2)
"""Time without an attempt after which the process that sent a message is taken for dead."""
NOTICE_PERIOD: Final = timedelta(days=1)
"""How long a message that every provider rejects is tried again."""


@dataclass(frozen=True, slots=True)
class _WithPhones:
    """Identities that are saved with their phones."""

    identities: Identities

    async def load(self, key: str, /) -> Versioned[Identity] | None:
        return await self.identities.load(key)

    async def save(self, _: str, record: Identity, version: int, /) -> bool:
        return await self.identities.replace_phone(record, version)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletePhoneChange:
    """Do what is left of the change of an identity's phone, in this order.

    1. The record of the new number points to the identity. An owner that is deleted, detached or
       unverified, or has another number meanwhile, is replaced, as at a first sign-in.
    2. The identity has the new number. Sessions end, devices are forgotten.
    3. The record of the former number loses its identity, codes and trusted IPs.
    4. The former number gets a message.

    Each step is harmless when it is repeated, by as many processes as you like. A slow one does
    nothing to a number after the change has ended. Until the second step the new number signs
    nobody in. A change that meets an owner in the first step ends there. Without `send_notice` the
    message waits for a process that has it. An identity that was detached has no former number, so
    its change ends with the second step.
    """

    identities: Identities
    phone_verifications: PhoneVerifications
    send_notice: SendNotice | None
    clock: Clock
    events: SecurityEvents
    recycled_after: timedelta | None

    async def __call__(self, identity_id: str) -> Identity | None:
        """Complete the change of an identity, if one is under way, and return the identity.

        None if there is no such identity, or if it is deleted or detached: then the change ends.
        """
        loaded = await self.identities.load(identity_id)
        if loaded is None:
            return None
        identity, change = loaded.value, loaded.value.phone_change
        if change is not None and not identity.is_closed:
            if change.step is PhoneChangeStep.ASSIGN:
                identity = await self._replace_phone(identity, change)
            change = identity.phone_change  # another change may have begun meanwhile
            is_left = change is not None and change.step is not PhoneChangeStep.ASSIGN
            if change is not None and is_left and not identity.is_closed:
                identity = await self._release_former(identity, change)
        if identity.is_closed:
            await self._withdraw(identity)
            return None
        return identity

    async def _replace_phone(self, identity: Identity, change: PhoneChange) -> Identity:
        try:
            await self._assign(identity.id, change)
        except PhoneInUse:
            await self._advance(identity, change, None)
            raise
        now = self.clock.now()

        def replace_phone(current: Identity) -> tuple[Identity, tuple[Identity, bool]]:
            if current.is_closed:
                return current, (current, False)
            successor = current.replace_phone(change, now)
            return successor, (successor, successor is not current)

        identity, is_replaced = await update.change(
            _WithPhones(self.identities), identity.id, replace_phone, missing=Unauthenticated
        )
        if is_replaced:
            reason = "by an operator" if change.is_by_operator else "by its owner"
            self.events.record(
                PhoneChanged(phone=change.new_phone, user_id=identity.id, reason=reason)
            )
        return identity

    async def _assign(self, identity_id: str, change: PhoneChange) -> None:
        async def assign(found: PhoneVerification) -> tuple[PhoneVerification, None]:
            if found.identity_id == identity_id or not await self._is_current(identity_id, change):
                return found, None
            try:
                await self._check_free(change, found)
            except PhoneInUse:
                current = await self.phone_verifications.load(change.new_phone)
                if current.value == found:
                    raise
                # Another process may have completed this change. The record has another version,
                # so this is not saved, and the next attempt finds out.
            return found.change_owner(identity_id), None

        await update.change(self.phone_verifications, change.new_phone, assign)

    async def _check_free(self, change: PhoneChange, found: PhoneVerification) -> None:
        """Check that nobody else has the new number, and that it is not blocked."""
        if found.is_blocked:
            raise PhoneInUse
        if found.identity_id is not None:
            await self._close_owner(found.identity_id, change)

    async def _close_owner(self, owner_id: str, change: PhoneChange) -> None:
        """Close the identity that a number has, as a first sign-in with the number would.

        An identity that is about to be created is created as a deleted one: its login finds it
        deleted, and signs in to the next owner of the number.

        Raises:
            PhoneInUse: it is verified, and not unused for so long that the number counts as
                recycled; or it has a role.
        """
        now, reason = self.clock.now(), "another account has its number"
        phone = change.new_phone

        def close(
            owner: Identity | None,
        ) -> tuple[Identity | None, SecurityEvent | None]:
            if owner is None:
                return Identity(owner_id, phone, now, is_verified=False).delete(now), None
            if not owner.is_open_owner(phone):
                return owner, None
            if owner.is_blocked or owner.is_staff:
                raise PhoneInUse
            if not owner.is_verified:
                return owner.delete(now), UserDeleted(phone=phone, user_id=owner_id, reason=reason)
            if self.recycled_after is None or not owner.is_unused(now, self.recycled_after):
                raise PhoneInUse
            return owner.detach(now), IdentityDetached(phone=phone, user_id=owner_id, reason=reason)

        if event := await update.change(self.identities, owner_id, close):
            self.events.record(event)

    async def _release_former(self, identity: Identity, change: PhoneChange) -> Identity:
        """Release the former number, and send the message, unless another process does."""
        now = self.clock.now()
        if change.step is PhoneChangeStep.RELEASE:
            await self._release(identity.id, change)
        elif now < change.attempted_at + RETRY_DELAY:
            return identity
        attempted = replace(change, step=PhoneChangeStep.NOTIFY, attempted_at=now)
        identity, is_mine = await self._advance(identity, change, attempted)
        if is_mine and (await self._notify(change) or now >= change.started_at + NOTICE_PERIOD):
            identity, _ = await self._advance(identity, attempted, None)
        return identity

    async def _notify(self, change: PhoneChange) -> bool:
        """Send the message to the former number, and return whether it needs no other attempt."""
        if change.old_phone is None:
            return True
        return self.send_notice is not None and await self.send_notice(
            change.old_phone, PhoneNotice.PHONE_CHANGED
        )

    async def _release(self, identity_id: str, change: PhoneChange) -> None:
        async def release(former: PhoneVerification) -> tuple[PhoneVerification, None]:
            if former.identity_id != identity_id or not await self._is_current(identity_id, change):
                return former, None
            return former.release(), None

        if change.old_phone is not None:
            await update.change(self.phone_verifications, change.old_phone, release)

    async def _is_current(self, identity_id: str, change: PhoneChange) -> bool:
        """Return whether the change is still at this step.

        This is checked after the record of a number was loaded. If the step is completed later, the
        record has another version.
        """
        loaded = await self.identities.load(identity_id)
        return loaded is not None and loaded.value.phone_change == change

    async def _withdraw(self, identity: Identity) -> None:
        """End the change of a deleted or detached identity: it has none of the two numbers."""
        if (change := identity.phone_change) is None:
            return

        def leave(verification: PhoneVerification) -> tuple[PhoneVerification, None]:
            is_owner = verification.identity_id == identity.id
            return (verification.change_owner(None) if is_owner else verification), None

        for phone in identity.all_phones:
            await update.change(self.phone_verifications, phone, leave)
        await self._advance(identity, change, None)

    async def _advance(
        self, identity: Identity, change: PhoneChange, successor: PhoneChange | None
    ) -> tuple[Identity, bool]:
        """Replace the change, unless another process did; return whether this one did."""

        def advance(
            current: Identity | None,
        ) -> tuple[Identity | None, tuple[Identity, bool]]:
            if current is None or current.phone_change != change:
                return current, (current or identity, False)
            advanced = replace(current, phone_change=successor)
            return advanced, (advanced, True)

        return await update.change(self.identities, identity.id, advance)


class _UnderWay(Exception):
    """Another change of the identity's phone is under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginPhoneChange:
    """Write that the phone of an identity changes. `CompletePhoneChange` does the rest.

    - A change that is under way is completed first, as far as possible: it does not wait for a
      message that no provider takes.
    - A challenge begins one change only, also that of the present number.
    - Only members whose number has a fixed code can get a number with one: anybody with the code of
      an administrator's number would be one. A change from such a number makes an administrator a
      member.
    """

    identities: Identities
    complete: CompletePhoneChange
    fixed_codes: FixedCodes
    clock: Clock

    def check_fixed_code(self, identity: Identity, phone: PhoneNumber) -> None:
        """Check that the number has no fixed code that this identity may not have.

        Raises:
            ConflictingValue
        """
        if not self.fixed_codes.includes(phone):
            return
        if identity.is_staff or not self._has_fixed_code(identity):
            raise ConflictingValue("This number is for tests, so no account can change to it.")

    async def __call__(
        self,
        identity_id: str,
        change: PhoneChange,
        used: UsedChallenge | None = None,
        used_old: UsedChallenge | None = None,
    ) -> None:
        """Begin a change, unless the challenge began one before or the identity has the phone.

        A change by an operator begins with the phone that the identity has. `used` and `used_old`
        are the challenges of the new and of the present number whose codes were used, if any.

        Raises:
            IncorrectOtp: The code of the present number was used for another change.
            Unauthenticated: The identity is deleted. Or its owner asks for the change, and it is
                detached or blocked.
            ConcurrencyConflict: Another change was faster.
        """

        def begin(identity: Identity) -> tuple[Identity, None]:
            self._check_is_there(identity, change)
            if used is not None and identity.has_used(used.id):
                return identity, None
            if used_old is not None and identity.has_used(used_old.id):
                raise IncorrectOtp("old_otp", 0)
            under_way = identity.phone_change
            if under_way is not None and not is_completed:
                raise _UnderWay
            if under_way is not None and under_way.step is not PhoneChangeStep.NOTIFY:
                raise ConcurrencyConflict("another change of the phone was faster")
            present = identity.phone if identity.detached_at is None else None
            if present == change.new_phone:
                return identity, None
            self.check_fixed_code(identity, change.new_phone)
            if not change.is_by_operator and present != change.old_phone:
                raise ConcurrencyConflict("another change of the phone was faster")
            if self._has_fixed_code(identity):
                identity = identity.demote()
            challenges = [each for each in (used, used_old) if each is not None]
            begun = replace(change, old_phone=present)
            return identity.start_phone_change(begun, *challenges), None

        is_completed = False
        try:
            await update.change(self.identities, identity_id, begin, missing=Unauthenticated)
        except _UnderWay:
            with suppress(PhoneInUse):
                await self.complete(identity_id)
            is_completed = True
            await update.change(self.identities, identity_id, begin, missing=Unauthenticated)

    def _check_is_there(self, identity: Identity, change: PhoneChange) -> None:
        """Check that the identity may get a number; raises Unauthenticated."""
        if change.is_by_operator:
            if identity.is_deleted:
                raise Unauthenticated
            return
        # A blocked one has no sessions.
        session = identity.find_session(change.kept_session_id or "", self.clock.now())
        if identity.is_closed or session is None:
            raise Unauthenticated

    def _has_fixed_code(self, identity: Identity) -> bool:
        phone = identity.phone
        return phone is not None and not identity.is_closed and self.fixed_codes.includes(phone)
