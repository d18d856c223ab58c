"""What operators do with the phone number of a user."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from application.administration.act_for_users import ActForUsers
from application.administration.acts import Act
from application.administration.find_user import FoundUser, UserQuery
from application.administration.operator import Operator
from application.features.phone_change.complete import BeginPhoneChange, CompletePhoneChange
from application.ports.errors import ConcurrencyConflict
from application.ports.system import Clock
from domain.administration.audit import AuditAction
from domain.administration.scopes import Scope
from domain.errors import ConflictingValue, CountryNotServed, Unauthenticated, UserNotFound
from domain.identities.identity import Identity
from domain.identities.phone_change import PhoneChange
from domain.phone import PhoneNumber

CHANGE_PHONE: Final = Act(
    name="change-phone",
    action=AuditAction.CHANGE_PHONE,
    scope=Scope.CHANGE_PHONES,
    needs_fresh_login=True,
    needs_reason=True,
)


HAS_NUMBER: Final = "The account has this number already."


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePhoneOfUser:
    """Change the phone of a user without codes, for one who lost the number; see `ActForUsers`.

    - All sessions end: the owner signs in with the new number.
    - A role ends.
    - An account whose number belongs to somebody else now gets a number again.
    """

    act: ActForUsers
    begin: BeginPhoneChange
    complete: CompletePhoneChange
    clock: Clock
    countries: Collection[str] | None

    async def __call__(
        self, operator: Operator, query: UserQuery, phone: PhoneNumber, reason: str
    ) -> FoundUser:
        """Give a user another number.

        Raises:
            ConflictingValue: the number is the present one, or has a fixed code.
            CountryNotServed: the number would get no codes.
        """
        user = await self.act.find(operator, CHANGE_PHONE, query, reason)
        identity = user.require_identity()
        if user.phone == phone:
            raise ConflictingValue(HAS_NUMBER)
        if self.countries is not None and phone.country not in self.countries:
            raise CountryNotServed
        self.begin.check_fixed_code(identity, phone)
        async with self.act.record_act(operator.actor, CHANGE_PHONE.action, user.subject, reason):
            changed = await self._change(identity, phone)
            return replace(user, phone=changed.phone, identity=changed)

    async def _change(self, identity: Identity, phone: PhoneNumber) -> Identity:
        now = self.clock.now()
        change = PhoneChange(
            new_phone=phone,
            old_phone=identity.phone,
            started_at=now,
            attempted_at=now,
            is_by_operator=True,
        )
        try:
            await self.begin(identity.id, change)
        except Unauthenticated as error:
            raise UserNotFound from error
        changed = await self.complete(identity.id)
        if changed is None:
            raise UserNotFound
        if changed.phone != phone:
            raise ConcurrencyConflict("another change of the phone was faster")
        return changed
