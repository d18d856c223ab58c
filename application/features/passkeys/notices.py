"""Messages to the number of an account that has another passkey, or has lost one."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from application.features.passkeys.events import TellingEvent
from application.limits.delivery_limiter import DeliveryLimiter
from application.otp.deliver_code import SendNotice
from application.ports.errors import CorruptRecord, StorageError
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from application.tasks import start_task
from application.update import NOTHING_WRITTEN
from domain.errors import CountryNotServed
from domain.features.passkeys import TooManyPasskeysAdded, limits_of_added
from domain.identities.phone_change import PhoneNotice
from domain.otp.delivery_policy import COUNTRY_NOT_SERVED
from domain.otp.rate_limits import RateLimit
from domain.otp.sliding_window import whole_seconds
from domain.phone import PhoneNumber

NO_PROVIDER: Final = "no_provider"
LIMITS_NOT_READ: Final = "limits_not_read"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyNotices:
    """Tell the number of an account that it has another passkey, or has lost one.

    - A message needs a permit of the account, its country and the total: never those of codes, so
      that no stranger who requests codes keeps one back.
    - A number that gets no codes, because of its country or a block, gets no message.
    - The messages themselves are sent in tasks: a browser that closes does not stop them.

    `send_notice` is None in a program that sends no messages.
    """

    send_notice: SendNotice | None
    limiter: DeliveryLimiter
    clock: Clock
    events: SecurityEvents

    @asynccontextmanager
    async def permit_added(
        self, phone: PhoneNumber, identity_id: str, session_id: str
    ) -> AsyncIterator[None]:
        """Hold the permits of a message while the passkey that it tells of is added.

        Raises:
            CountryNotServed: The number would get no message.
            TooManyPasskeysAdded
        """
        limits, now = limits_of_added(identity_id, session_id), self.clock.now()
        acquired = await self._acquire(phone, limits, now)
        try:
            yield
        except NOTHING_WRITTEN:
            with suppress(StorageError):
                await self.limiter.limit_store.release(acquired, now)
            raise

    def send(self, phone: PhoneNumber, notice: PhoneNotice) -> asyncio.Task[bool] | None:
        """Start to send a message that has its permits."""
        if self.send_notice is None:
            return None
        return start_task("send_passkey_notice", self.send_notice(phone, notice))

    async def tell(
        self,
        phone: PhoneNumber | None,
        notice: PhoneNotice,
        limits: Sequence[RateLimit],
        *events: TellingEvent,
    ) -> asyncio.Task[bool] | None:
        """Record what has happened, and start to send its message if there are permits.

        Without them the events say which limit or block left it out. A client that disconnects does
        not stop this.
        """

        async def tell() -> asyncio.Task[bool] | None:
            left_out = await self._find_obstacle(phone, limits) if phone else ""
            for event in events:
                self.events.record(replace(event, message_left_out=left_out))
            return self.send(phone, notice) if phone and not left_out else None

        return await asyncio.shield(start_task("tell_of_passkey", tell()))

    async def _find_obstacle(self, phone: PhoneNumber, limits: Sequence[RateLimit]) -> str:
        """Acquire the permits of a message, or return why there are none."""
        if self.send_notice is None:
            return NO_PROVIDER
        try:
            await self._acquire(phone, limits, self.clock.now())
        except (CountryNotServed, TooManyPasskeysAdded) as error:
            return error.limit
        except (CorruptRecord, StorageError):
            return LIMITS_NOT_READ
        return ""

    async def _acquire(
        self, phone: PhoneNumber, of_account: Sequence[RateLimit], now: datetime
    ) -> Sequence[RateLimit]:
        """Acquire the permits of a message, and return their limits."""
        if self.send_notice is not None and not self.send_notice.is_served(phone):
            raise CountryNotServed(COUNTRY_NOT_SERVED)
        block = self.limiter.additions.find_number_block(phone, now)
        if block is not None:
            raise CountryNotServed(block.name)
        self.limiter.alerts.measure_limits.see(phone.country)
        limits = [*of_account, *self.limiter.limits.for_notice(phone.country)]
        available_at = await self.limiter.limit_store.acquire(limits, now)
        if available_at is not None:
            name = await self.limiter.alerts.name_used_limit(limits, now)
            raise TooManyPasskeysAdded(whole_seconds(now, available_at), name.limit)
        return limits
