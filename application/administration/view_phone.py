"""Show a full phone number, or a masked one."""

from dataclasses import dataclass

from application.administration.acts import VIEW_PHONE
from application.administration.caller import Caller
from application.limits.actor_limits import ActorLimits
from application.record_act import RecordAct
from domain.administration.scope import PHONES_PER_TOKEN, Scope
from domain.errors import TooManyPhones
from domain.phone import PhoneNumber


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
        self, caller: Caller, phone: PhoneNumber, subject: str, reason: str = ""
    ) -> str:
        """Return the number, masked for a caller who may not see all of it.

        Raises:
            TooShort: The caller has to say why.
            TooManyPhones
            AuditFailed
            StorageError
        """
        if not caller.may(VIEW_PHONE):
            return phone.masked
        caller.check(VIEW_PHONE, reason)
        await self.count(caller)
        async with self.record_act(caller.actor, VIEW_PHONE.action, subject, reason):
            return phone.e164

    async def record_search(self, caller: Caller, subject: str, reason: str = "") -> None:
        """Record that a service token finds a user by the full number, like a view of that number.

        One that may see no number would otherwise guess them, and nobody could find out.

        Raises:
            TooManyPhones
            AuditFailed
            StorageError
        """
        if caller.is_token and not caller.has_scope(Scope.READ_PHONES):
            await self.count(caller)
            await self.record_act.begin(caller.actor, VIEW_PHONE.action, subject, reason)

    async def count(self, caller: Caller) -> None:
        """Count a full number that a service token is about to read. People have no such limit.

        Raises:
            TooManyPhones
            StorageError
        """
        await self.limits.acquire(caller.actor, "full_numbers", PHONES_PER_TOKEN, TooManyPhones)
