"""Show a full phone number, or a masked one."""

from dataclasses import dataclass
from typing import Final

from application.administration.acts import VIEW_PHONE
from application.administration.operator import Operator, staff_member
from application.identities.users import GetUser
from application.limits.actor_limits import ActorLimits
from application.principal import Principal
from application.record_act import RecordAct
from domain.administration.scopes import PHONES_PER_TOKEN, Scope
from domain.errors import TooManyPhones
from domain.identities.identity import Identity
from domain.phone import PhoneNumber

_FULL_NUMBERS: Final = ("full_numbers", PHONES_PER_TOKEN, TooManyPhones)


@dataclass(frozen=True, slots=True)
class ViewPhone:
    """Show the phone of somebody else.

    - Each full number is in the audit before it is shown.
    - A service token sees at most 1,000 full numbers a day, on all instances together, or finds
      users by them.
    """

    record_act: RecordAct
    limits: ActorLimits

    async def __call__(
        self,
        operator: Operator,
        phone: PhoneNumber,
        subject: str,
        reason: str = "",
        *,
        is_shown: bool = True,
        says_why: bool = True,
    ) -> str:
        """Return the number, masked for an operator who may not see all of it.

        `is_shown` is False if only the errors matter: nothing is counted or recorded then, and the
        number is masked. Without `says_why`, people need no reason.

        Raises:
            TooShort
        """
        if not operator.may(VIEW_PHONE):
            return phone.masked
        if says_why:
            operator.check(VIEW_PHONE, reason)
        if not is_shown:
            await self.limits.check(operator.actor, *_FULL_NUMBERS)
            return phone.masked
        await self.count(operator)
        async with self.record_act(operator.actor, VIEW_PHONE.action, subject, reason):
            return phone.e164

    async def record_search(self, operator: Operator, subject: str, reason: str = "") -> None:
        """Record that a service token finds a user by the full number, like a view of that number.

        A token that may see no number could otherwise guess them unnoticed.
        """
        if operator.is_token and not operator.has_scope(Scope.READ_PHONES):
            await self.count(operator)
            await self.record_act.begin(operator.actor, VIEW_PHONE.action, subject, reason)

    async def count(self, operator: Operator) -> None:
        """Count a full number that a service token is about to read. People have no such limit."""
        await self.limits.acquire(operator.actor, *_FULL_NUMBERS)


@dataclass(frozen=True, slots=True)
class ViewUser:
    """Show a user to a principal.

    Administrators see the full number of somebody else if they logged in within the last 15
    minutes, but not that of another administrator. An entry of the audit is written before.
    """

    get_user: GetUser
    view_phone: ViewPhone

    async def __call__(
        self, principal: Principal, user_id: str, *, is_shown: bool = True
    ) -> tuple[Identity, str | None]:
        """Return the user, with the number as an administrator sees it; None for all others."""
        identity = await self.get_user(user_id)
        if not principal.has_scope(Scope.READ_PHONES) or identity.phone is None:
            return identity, None
        operator = staff_member(principal)
        if not operator.may_act_on_identity(identity):
            return identity, None
        # Older apps ask for no reason.
        number = await self.view_phone(
            operator, identity.phone, identity.id, is_shown=is_shown, says_why=False
        )
        return identity, number
