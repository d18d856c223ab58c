"""Show a full phone number, or a masked one."""

from dataclasses import dataclass

from application.administration.caller import Caller
from application.ports.limits import LimitStore
from application.ports.system import Clock
from application.record_act import RecordAct
from domain.administration.audit import ActorKind, AuditAction
from domain.administration.service_token import PHONES_PER_TOKEN
from domain.errors import TooManyPhones
from domain.otp.rate_limits import Acquisition, Purpose, RateLimit, Reservation
from domain.otp.sliding_window import whole_seconds
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class ViewPhone:
    """Show the phone of somebody else.

    - Each full number is in the audit before it is shown.
    - A service token sees at most 1,000 full numbers a day, on all instances together.
    """

    record_act: RecordAct
    limit_store: LimitStore
    clock: Clock

    async def __call__(
        self, caller: Caller, phone: PhoneNumber, subject: str, reason: str = ""
    ) -> str:
        """Return the number, masked for a caller who may not see all of it.

        Raises:
            TooManyPhones
            AuditFailed
            StorageError
        """
        if not caller.may(AuditAction.VIEW_PHONE):
            return phone.masked
        await self.count(caller)
        async with self.record_act(caller.actor, AuditAction.VIEW_PHONE, subject, reason):
            return phone.e164

    async def count(self, caller: Caller) -> None:
        """Count a full number that a service token is about to read. People have no such limit.

        Raises:
            TooManyPhones
            StorageError
        """
        if caller.actor.kind is not ActorKind.SERVICE_TOKEN:
            return
        now, token_id = self.clock.now(), caller.actor.id
        limit = RateLimit(f"token:{token_id}", Purpose.READS, "full_numbers", PHONES_PER_TOKEN)
        [acquired] = await self.limit_store.acquire(Reservation(now, (limit,)))
        if not isinstance(acquired, Acquisition):
            raise TooManyPhones(whole_seconds(now, acquired))
