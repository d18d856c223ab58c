"""Show a full phone number, or a masked one."""

from dataclasses import dataclass

from application.administration.acts import VIEW_PHONE
from application.administration.caller import Caller
from application.limits.token_limits import TokenLimits
from application.record_act import RecordAct
from domain.administration.scope import PHONES_PER_TOKEN
from domain.errors import TooManyPhones
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class ViewPhone:
    """Show the phone of somebody else.

    - Each full number is in the audit before it is shown.
    - A service token sees at most 1,000 full numbers a day, on all instances together.
    """

    record_act: RecordAct
    limits: TokenLimits

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

    async def count(self, caller: Caller) -> None:
        """Count a full number that a service token is about to read. People have no such limit.

        Raises:
            TooManyPhones
            StorageError
        """
        await self.limits.acquire(caller.actor, "full_numbers", PHONES_PER_TOKEN, TooManyPhones)
