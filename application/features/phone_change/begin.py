"""Begin a change of the phone of an identity."""

from contextlib import suppress
from dataclasses import dataclass, replace

from application import update
from application.features.phone_change.complete import CompletePhoneChange
from application.ports.errors import ConcurrencyConflict
from application.ports.identities import Identities
from application.ports.system import Clock
from domain.errors import ConflictingValue, IncorrectOtp, PhoneInUse, Unauthenticated
from domain.identities.identity import Identity, UsedChallenge
from domain.identities.phone_change import PhoneChange, PhoneChangeStep
from domain.otp.test_otps import TestOtps
from domain.phone import PhoneNumber


class _UnderWay(Exception):
    """Another change of the identity's phone is under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginPhoneChange:
    """Write that the phone of an identity changes. `CompletePhoneChange` does the rest.

    - A change that is under way is completed first, as far as possible: it does not wait for a
      message that no provider takes.
    - A challenge begins one change only, also that of the present number.
    - Only members whose number has a fixed code can get a number with one: whoever knows the code
      of an administrator's number would be an administrator. A change from such a number makes an
      administrator a member.
    """

    identities: Identities
    complete: CompletePhoneChange
    test_otps: TestOtps
    clock: Clock

    def check_test_phone(self, identity: Identity, phone: PhoneNumber) -> None:
        """Check that the number has no fixed code that this identity may not have.

        Raises:
            ConflictingValue
        """
        if not self.test_otps.includes(phone):
            return
        if identity.is_staff or not self._has_test_phone(identity):
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
            self.check_test_phone(identity, change.new_phone)
            if not change.is_by_operator and present != change.old_phone:
                raise ConcurrencyConflict("another change of the phone was faster")
            if self._has_test_phone(identity):
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

    def _has_test_phone(self, identity: Identity) -> bool:
        phone = identity.phone
        return phone is not None and not identity.is_closed and self.test_otps.includes(phone)
