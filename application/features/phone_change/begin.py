"""Begin a change of the phone of an identity."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from application import update
from application.features.phone_change.complete import CompletePhoneChange
from application.ports.errors import ConcurrencyConflict
from application.ports.identities import Identities
from application.ports.system import Clock
from domain.errors import ConflictingValue, IncorrectOtp, PhoneInUse, Unauthenticated, Unavailable
from domain.features.phone_change.errors import (
    DisownNotPossible,
    PhoneChangeForbidden,
    UndoNotPossible,
)
from domain.identities.identity import Identity, UsedChallenge
from domain.identities.phone_change import PhoneChange
from domain.otp.sliding_window import whole_seconds
from domain.otp.test_otps import TestOtps
from domain.phone import PhoneNumber

NOT_NOTIFIED: Final = (
    "The message to the former number has not been sent yet. Try again in a few minutes."
)


class _UnderWay(Exception):
    """Another change of the identity's phone is under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginPhoneChange:
    """Write that the phone of an identity changes. `CompletePhoneChange` does the rest.

    - A change that is under way is completed first. A change whose message is not sent yet keeps
      others from beginning, for a day at most: nobody loses a number without hearing of it.
    - A challenge begins one change only.
    - A code of the present number is used for one change only, whatever becomes of the change.
    - Only members whose number has a fixed code can get a number with one: whoever knows the code
      of an administrator's number would be an administrator. So an undo gives such a number back to
      nobody else, and a change from one such number to another makes an administrator a member.
    """

    identities: Identities
    complete: CompletePhoneChange
    test_otps: TestOtps
    clock: Clock

    def check(self, identity: Identity, phone: PhoneNumber) -> None:
        """Check that an identity may change its phone to this one.

        Raises:
            ConflictingValue: The number has a fixed code.
            PhoneChangeForbidden: Its last change was undone within the last seven days.
        """
        self.check_test_phone(identity, phone)
        now, allowed_at = self.clock.now(), identity.phone_changes.next_allowed_at
        if allowed_at is not None and now < allowed_at:
            raise PhoneChangeForbidden(whole_seconds(now, allowed_at))

    def check_test_phone(self, identity: Identity, phone: PhoneNumber) -> None:
        """Check that the number has no fixed code that this identity may not have.

        Raises:
            ConflictingValue
        """
        if not self._may_have(identity, phone):
            raise ConflictingValue("This number is for tests, so no account can change to it.")

    async def __call__(
        self,
        identity_id: str,
        change: PhoneChange,
        used: UsedChallenge | None = None,
        used_old: UsedChallenge | None = None,
    ) -> None:
        """Begin a change, unless the challenge began one before.

        Args:
            identity_id: The identity.
            change: The change.
            used: The challenge whose code was used for it; None where an operator asked for it, or
                a session disowns the account.
            used_old: The challenge of the present number whose code was used for it, if any.

        Raises:
            ConflictingValue, PhoneChangeForbidden
            IncorrectOtp: The code of the present number was used for another change.
            UndoNotPossible: An undo, whose change cannot be undone anymore.
            Unauthenticated: The identity is deleted or detached, or it is blocked and its owner
                asks for a change.
            DisownNotPossible: A disown, and the identity has another number meanwhile.
            Unavailable: The message to the number before the present one was not sent yet.
            ConcurrencyConflict: The identity has another phone than the change expects.
            StorageError
        """

        def begin(identity: Identity) -> tuple[Identity, None]:
            identity = identity.require_open()
            if used is not None and identity.has_used(used.id):
                return identity, None
            if used_old is not None and identity.has_used(used_old.id):
                raise IncorrectOtp("old_otp", 0)
            if identity.phone_changes.under_way is not None and not is_completed:
                raise _UnderWay
            self._check_begin(identity, change)  # an undo under way has ended the session
            if identity.phone_changes.under_way is not None and not change.is_undo:
                raise Unavailable(NOT_NOTIFIED)
            if identity.phone in (None, change.new_phone):  # another change was faster
                return identity, None
            begun = replace(change, old_phone=identity.phone)
            if change.is_disown and not self._may_have(identity, change.new_phone):
                begun = replace(begun, undo_until=None)  # the fixed code's number is not given back
            if self.test_otps.includes(identity.phone):
                identity = identity.demote()
                if not self.test_otps.includes(change.new_phone):  # the undo would be refused
                    begun = replace(begun, undo_until=None)
            challenges = [each for each in (used, used_old) if each is not None]
            return identity.start_phone_change(begun, *challenges), None

        is_completed = False
        try:
            await update.change(self.identities, identity_id, begin, missing=Unauthenticated)
        except _UnderWay:
            with suppress(PhoneInUse, UndoNotPossible):
                await self.complete(identity_id)
            is_completed = True
            await update.change(self.identities, identity_id, begin, missing=Unauthenticated)

    def _may_have(self, identity: Identity, phone: PhoneNumber) -> bool:
        """Return whether the number has no fixed code, or is for members with such a number."""
        if not self.test_otps.includes(phone):
            return True
        has_test_phone = identity.phone is not None and self.test_otps.includes(identity.phone)
        return has_test_phone and not identity.is_staff

    def _check_begin(self, identity: Identity, change: PhoneChange) -> None:
        """Check that the change may begin."""
        if change.is_disown:
            if identity.phone not in (change.old_phone, change.new_phone):
                raise DisownNotPossible
        elif change.is_undo:
            is_restored = identity.phone == change.new_phone
            is_possible = identity.is_undo_possible(change.undo_until)
            if is_restored or not is_possible or not self._may_have(identity, change.new_phone):
                raise UndoNotPossible
        elif change.is_by_operator:
            self.check_test_phone(identity, change.new_phone)
        else:
            # It has no sessions while it is blocked.
            if identity.find_session(change.kept_session_id or "", self.clock.now()) is None:
                raise Unauthenticated
            self.check(identity, change.new_phone)
            # A code of the old phone may have been checked.
            if identity.phone not in (change.old_phone, change.new_phone):
                raise ConcurrencyConflict("another change of the phone was faster")
