"""Give a user another phone number, because an operator says so."""

from dataclasses import dataclass, replace

from application.administration.act_for_users import ActForUsers
from application.administration.find_user import FoundUser, UserQuery
from application.administration.operator import Operator
from application.features.phone_change.acts import CHANGE_PHONE
from application.features.phone_change.move_phone import MovePhone
from application.limits.actor_limits import ActorLimits
from application.ports.otp import PhoneVerifications
from application.ports.system import Clock
from domain.administration.scope import PHONE_CHANGES_PER_TOKEN
from domain.errors import ConflictingValue, Forbidden, PhoneBlocked
from domain.features.phone_change.errors import TooManyPhoneChanges
from domain.otp.test_otps import TestOtps
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePhoneOfUser:
    """Change the phone of a user; see `ActForUsers`."""

    act: ActForUsers
    move_phone: MovePhone
    limits: ActorLimits
    phone_verifications: PhoneVerifications
    test_otps: TestOtps
    clock: Clock

    async def __call__(
        self,
        operator: Operator,
        query: UserQuery,
        phone: PhoneNumber,
        reason: str,
        *,
        can_be_undone: bool = True,
    ) -> FoundUser:
        """Give a user who lost the number another one. A role ends.

        A number that cannot undo the change is changed by a command, or without an undo. A service
        token changes 20 a day, each with an undo.

        Raises:
            Forbidden: A service token changes one without an undo.
            ConflictingValue: the number is the present one, or has a fixed code; or the present one
                gets no code to undo it.
            CountryNotServed
            PhoneInUse
            PhoneBlocked: the present number could not undo it.
            TooManyPhoneChanges
        """
        user = await self.act.find(operator, CHANGE_PHONE, query, reason)
        identity_id = user.require_identity().id
        if not can_be_undone and operator.is_token:
            raise Forbidden("No service token changes a number without an undo.")
        if can_be_undone and not operator.runs_command:
            await self._check_undo(user)
        if not operator.runs_command:
            await self.limits.acquire(
                operator.actor, "phone_changes", PHONE_CHANGES_PER_TOKEN, TooManyPhoneChanges
            )
        async with self.act.record_act(operator.actor, CHANGE_PHONE.action, user.subject, reason):
            identity = await self.move_phone(identity_id, phone, can_be_undone=can_be_undone)
            return replace(user, phone=identity.phone, identity=identity)

    async def _check_undo(self, user: FoundUser) -> None:
        """Check that the number of a user could undo a change; see `__call__`."""
        phone, countries = user.require_phone(), self.move_phone.countries
        verification = (await self.phone_verifications.load(phone)).value
        if verification.blocked_at is not None or user.require_identity().is_blocked:
            raise PhoneBlocked
        is_served = countries is None or phone.country in countries
        if not is_served or self.test_otps.find_code(phone, self.clock.now()) is not None:
            raise ConflictingValue(
                "The present number of this account gets no codes, so it could not undo the change."
                " Only operators change it, without an undo: dialtone user change-phone --no-undo."
            )
