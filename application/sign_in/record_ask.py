from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from application.ports.budgets import Budgets
from application.ports.errors import StoreUnavailable
from application.ports.peppers import Peppers
from application.ports.phone_records import PhoneRecords
from application.sign_in.payment import BudgetSpent, Payment
from application.swaps import decide_on_phone
from domain.errors import TooManyAsks
from domain.phone import PhoneNumber
from domain.sign_in.budgets import Draw
from domain.sign_in.decisions import Ask, Asked
from domain.sign_in.phone_record import PhoneRecord, whole_seconds
from domain.sign_in.send import SendLimits


@dataclass(frozen=True, slots=True)
class RecordAsk:
    """Have an ask decided by the phone's record, and paid by the budgets that many share.

    The budgets come between the decision and its swap: an ask that the phone refuses draws on
    nothing, and an address without a slot writes nothing, so it cannot start a phone's cool-down.
    """

    phone_records: PhoneRecords
    budgets: Budgets
    peppers: Peppers

    async def __call__(self, phone: PhoneNumber, ask: Ask, draw: Draw, limits: SendLimits) -> Asked:
        """Raises TooManyAsks, whose time is the later of phone and budgets; StoreUnavailable."""
        payment = Payment(self.budgets, draw)

        def decide(record: PhoneRecord) -> tuple[PhoneRecord, Asked]:
            return record.without_lost_keys(self._has_key).ask(ask, limits)

        async def paid(asked: Asked, swap: Callable[[], Awaitable[bool]]) -> bool:
            if asked.is_new:
                await payment.make()
            return await swap()

        is_sent = False
        try:
            asked = await decide_on_phone(self.phone_records, phone, decide, paid)
            is_sent = asked.is_new
        except BudgetSpent as spent:
            # Who took the last slots may have asked for this phone: then that is the answer.
            record = await self.phone_records.load(phone)
            asked = _unless_new(decide, record.value, whole_seconds(ask.now, spent.free_at))
        except TooManyAsks as refusal:
            await payment.refund()
            free_at = await self.budgets.free_at(draw)
            raise TooManyAsks(max(refusal.retry_after, whole_seconds(ask.now, free_at))) from None
        finally:
            if not is_sent:
                await payment.refund()
        return asked

    async def take_back(self, phone: PhoneNumber, draw: Draw) -> None:
        """Undo it where no sender would have the message, and give these slots back.

        What cannot be undone now ends by itself.
        """

        def decide(record: PhoneRecord) -> tuple[PhoneRecord, None]:
            return record.taken_back(draw.id), None

        with suppress(StoreUnavailable):
            await decide_on_phone(self.phone_records, phone, decide)
        with suppress(StoreUnavailable):
            await self.budgets.give_back(draw)

    def _has_key(self, key_id: str) -> bool:
        return self.peppers.key(key_id) is not None


def _unless_new(
    decide: Callable[[PhoneRecord], tuple[PhoneRecord, Asked]],
    record: PhoneRecord,
    retry_after: int,
) -> Asked:
    try:
        _, asked = decide(record)
    except TooManyAsks as refusal:
        raise TooManyAsks(max(refusal.retry_after, retry_after)) from None
    if asked.is_new:
        raise TooManyAsks(retry_after)
    return asked
