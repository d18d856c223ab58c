"""Complete a change of the phone of an identity."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from application import update
from application.features.phone_change.events import PhoneChanged, PhoneChangeUndone, PhoneDisowned
from application.features.phone_change.notify_new_number import RETRY_DELAY, NotifyNewNumber
from application.features.phone_change.ports import PhoneAssignmentsRepository
from application.features.phone_change.undo_codes import UndoCodes
from application.identities.events import IdentityDetached, UserDeleted
from application.identities.phone_holds import PhoneHolds
from application.otp.send_notice import SendNotice
from application.ports.identities import Identities
from application.ports.otp import PhoneVerifications
from application.ports.security_events import PhoneEvent, SecurityEvent, SecurityEvents
from application.ports.system import Clock
from application.ports.versioned import Versioned
from domain.errors import PhoneInUse, Unauthenticated
from domain.features.phone_change.errors import UndoNotPossible
from domain.features.phone_change.phone_assignment import NOTICE_PERIOD, PhoneAssignments
from domain.identities.identity import Identity
from domain.identities.phone_change import PhoneChange, PhoneChangeStep, PhoneNotice
from domain.otp.phone_verification import PhoneVerification


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
    2. It is recorded that the number was assigned, with the message that it gets.
    3. The identity has the new number. Sessions end, devices are forgotten.
    4. The record of the former number loses its codes and trusted IPs. It is held for the identity
       where the change can be undone.
    5. The new number gets a message, and then the former one.

    An undo has no second step, and no message to the number that the account has again. A disown is
    an undo, except for three things. The record of the former number, which the principal has, is
    released before the third step. The message goes to the number that the account has again.
    An identity which cannot get that number is detached in the third step.

    Each step is harmless when it is repeated, by as many processes as you like. A slow one does
    nothing to a number after the change has ended, or was undone. Until the third step the new
    number signs nobody in. A change that meets an owner in the first step ends there. Without
    `send_notice` its messages wait for a process that has it.
    """

    identities: Identities
    phone_verifications: PhoneVerifications
    holds: PhoneHolds
    phone_assignments: PhoneAssignmentsRepository
    send_notice: SendNotice | None
    notify_new_number: NotifyNewNumber
    undo_codes: UndoCodes
    clock: Clock
    events: SecurityEvents
    recycled_after: timedelta | None

    async def __call__(self, identity_id: str) -> Identity | None:
        """Complete the change of an identity, if one is under way, and return the identity.

        None if there is no such identity, or if it is deleted or detached: then the change ends.

        Raises:
            PhoneInUse: the new number has an owner, so the change has ended.
            UndoNotPossible: the former number is not held anymore, so the undo has ended.
            StorageError
        """
        loaded = await self.identities.load(identity_id)
        if loaded is None:
            return None
        identity, change = loaded.value, loaded.value.phone_changes.under_way
        if change is not None and not identity.is_closed:
            if change.step is PhoneChangeStep.ASSIGN:
                identity = await self._replace_phone(identity, change)
            change = identity.phone_changes.under_way  # another change may have begun meanwhile
            is_left = change is not None and change.step is not PhoneChangeStep.ASSIGN
            if change is not None and is_left and not identity.is_closed:
                identity = await self._release_former(identity, change)
        if identity.is_closed:
            await self._withdraw(identity)
            return None
        return identity

    async def _replace_phone(self, identity: Identity, change: PhoneChange) -> Identity:
        """Give the new number to the identity, and return the identity."""
        identity_id, has_phone = identity.id, True
        try:
            await self._assign(identity_id, change)
        except (PhoneInUse, UndoNotPossible):
            if not change.is_disown:
                await self._advance(identity, change, None)
                raise
            has_phone = False
        if not change.is_undo:
            await self._record_assignment(identity_id, change)
        now = self.clock.now()
        if change.is_disown:  # while the session is there that can repeat the request
            await self._release(identity_id, change, now)

        def replace_phone(current: Identity) -> tuple[Identity, tuple[Identity, bool]]:
            if current.is_closed:
                return current, (current, False)
            replaced = current.replace_phone if has_phone else current.detach_disowned
            successor = replaced(change, now)
            return successor, (successor, successor is not current)

        identity, is_replaced = await update.change(
            _WithPhones(self.identities), identity_id, replace_phone, missing=Unauthenticated
        )
        if is_replaced:
            self.events.record(_describe(identity, change))
        return identity

    async def _record_assignment(self, identity_id: str, change: PhoneChange) -> None:
        """Record that the number was assigned, unless another process did."""
        now = self.clock.now()

        def add(found: PhoneAssignments | None) -> tuple[PhoneAssignments, None]:
            return (found or PhoneAssignments(id=identity_id)).add(change, now), None

        await update.change(self.phone_assignments, identity_id, add)

    async def _assign(self, identity_id: str, change: PhoneChange) -> None:
        """Let the record of the new number point to the identity."""

        async def assign(found: PhoneVerification) -> tuple[PhoneVerification, None]:
            if found.identity_id == identity_id or not await self._is_current(identity_id, change):
                return found, None
            try:
                await self._check_free(identity_id, change, found)
            except (PhoneInUse, UndoNotPossible):
                current = await self.phone_verifications.load(change.new_phone)
                if current.value == found:
                    raise
                # Another process may have completed this change. The record has another version,
                # so this is not saved, and the next attempt finds out.
            return found.change_owner(identity_id), None

        await update.change(self.phone_verifications, change.new_phone, assign)

    async def _check_free(
        self, identity_id: str, change: PhoneChange, found: PhoneVerification
    ) -> None:
        """Check that nobody else has the new number.

        Raises:
            PhoneInUse, UndoNotPossible
        """
        holder_id = await self.holds.find_holder(found)
        if change.is_undo:
            is_held = holder_id == identity_id and change.undo_until is not None
            if not is_held or found.blocked_at is not None:
                raise UndoNotPossible
            return
        if found.blocked_at is not None or holder_id not in (None, identity_id):
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
        """Release the former number, and send the messages, unless another process does."""
        now = self.clock.now()
        if change.step is PhoneChangeStep.RELEASE:
            await self._release(identity.id, change, now)
        elif now < change.attempted_at + RETRY_DELAY:
            return identity
        attempted = replace(change, step=PhoneChangeStep.NOTIFY, attempted_at=now)
        identity, is_mine = await self._advance(identity, change, attempted)
        if not is_mine:  # another process sends it
            return identity
        if not change.is_undo:
            await self.notify_new_number(identity.id)
        undo_code = None
        if change.notice is PhoneNotice.PHONE_CHANGED and change.undo_until is not None:
            undo_code = self.undo_codes.derive(identity.id, change.old_phone, change.undo_until)
        is_done = self.send_notice is not None and await self.send_notice(
            change.notified_phone, change.notice, change.locale, undo_code
        )
        if is_done or now >= change.started_at + NOTICE_PERIOD:
            identity, _ = await self._advance(identity, attempted, None)
        return identity

    async def _release(self, identity_id: str, change: PhoneChange, now: datetime) -> None:
        """Release the record of the former number, unless another process did."""
        undo_until = None if change.is_undo else change.undo_until

        async def release(former: PhoneVerification) -> tuple[PhoneVerification, None]:
            if former.identity_id != identity_id or not await self._is_current(identity_id, change):
                return former, None
            return former.release(identity_id, undo_until, now), None

        await update.change(self.phone_verifications, change.old_phone, release)

    async def _is_current(self, identity_id: str, change: PhoneChange) -> bool:
        """Return whether the change is still at this step.

        This is checked after the record of a number was loaded. If the step is completed later, the
        record has another version.
        """
        loaded = await self.identities.load(identity_id)
        return loaded is not None and loaded.value.phone_changes.under_way == change

    async def _withdraw(self, identity: Identity) -> None:
        """End the change of a deleted or detached identity: it has none of the two numbers."""
        if (change := identity.phone_changes.under_way) is None:
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
        """Replace the change under way by its successor, unless another process did.

        Returns:
            The identity, and whether this process did.
        """

        def advance(
            current: Identity | None,
        ) -> tuple[Identity | None, tuple[Identity, bool]]:
            if current is None or current.phone_changes.under_way != change:
                return current, (current or identity, False)
            changes = current.phone_changes.advance(successor)
            advanced = replace(current, phone_changes=changes)
            return advanced, (advanced, True)

        return await update.change(self.identities, identity.id, advance)


def _describe(identity: Identity, change: PhoneChange) -> PhoneEvent:
    if change.is_disown:
        reason = "account detached" if identity.is_closed else "account has its former number"
        return PhoneDisowned(phone=change.old_phone, user_id=identity.id, reason=reason)
    if change.is_undo:
        reason = "by the former number"
        return PhoneChangeUndone(phone=change.new_phone, user_id=identity.id, reason=reason)
    reason = "by an operator" if change.is_by_operator else "by its owner"
    return PhoneChanged(phone=change.new_phone, user_id=identity.id, reason=reason)
