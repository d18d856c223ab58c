"""Keep what messages and calls cost within the budgets of the operator."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from application.budgets.delivery_costs import DeliveryCosts
from application.limits.delivery_terms import RequestedDelivery
from application.otp.extensions import EndedCall, SentMessage
from application.ports.budgets import ReservedCalls
from application.ports.errors import PortError
from application.ports.limits import LimitStore
from application.ports.system import Clock
from domain.budgets.budgets import BUDGET, Budgets, settle
from domain.budgets.reserved_call import ReservedCall
from domain.otp.delivery import Channel
from domain.otp.permits import Permits, Recognition
from domain.otp.rate_limits import (
    ATTESTED,
    RECOGNIZED,
    RESERVE,
    STRANGERS,
    Acquisition,
    Reservation,
)
from domain.phone import PhoneNumber

OPERATOR_PART: Final = "operator"
"""Codes that an operator sends for a user."""
SYSTEM_PART: Final = "system"
"""Messages without a code, and what follows a delivery that has taken nothing."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepBudgets:
    """Take the amount of each delivery, and settle it: a `DeliveryTerms` and `Spending`.

    - Strangers have 60 % of a budget, and a sixth of that in an hour. Above it a client that can
      make a proof is asked for one, and all others wait.
    - Recognized phones, clients with a proof and operators are not stopped by a budget, and nobody
      else uses up anything of theirs. All of them wait from the hard end on.
    - The money of a login is spent: nothing is given back for it.
    - What a killed process has taken stays taken until the window has passed.
    """

    limit_store: LimitStore
    reserved_calls: ReservedCalls
    budgets: Budgets
    costs: DeliveryCosts
    clock: Clock
    has_attested_part: bool

    def change(self, reservation: Reservation, delivery: RequestedDelivery) -> Reservation:
        """Return the reservation of a delivery that takes its amount as well."""
        country = delivery.phone.country
        channels = (delivery.channel, *delivery.next_channels)
        amount = self.costs.highest(country, channels, delivery.parts)
        parts: tuple[str, ...] = (STRANGERS, ATTESTED) if self.has_attested_part else (STRANGERS,)
        if delivery.is_by_operator:
            parts = (OPERATOR_PART,)
        elif delivery.recognition is not Recognition.NONE:
            parts = (RECOGNIZED,)
        return self.budgets.reserve(reservation, country, amount, parts)

    def reserve_callback(self, reservation: Reservation, phone: PhoneNumber) -> Reservation:
        """Return the reservation of a callback: a caller is a stranger before a code is used."""
        amount = self.costs.highest(phone.country, [Channel.VOICE])
        return self.budgets.reserve(reservation, phone.country, amount, (STRANGERS, RESERVE))

    def find(
        self, country: str, channels: Sequence[Channel], permits: Permits | None, parts: int = 0
    ) -> Acquisition:
        if permits is None:
            return Acquisition(self.clock.now(), ())
        return self.budgets.taken(permits, country, self.costs.highest(country, channels, parts))

    async def acquire(
        self, country: str, channel: Channel, parts: int = 0, follows: Permits | None = None
    ) -> Acquisition | None:
        now, amount = self.clock.now(), self.costs.highest(country, [channel], parts)
        part = (follows and follows.part_of(BUDGET)) or SYSTEM_PART
        reservation = self.budgets.reserve(Reservation(now, ()), country, amount, (part,))
        if not reservation.limits:
            return Acquisition(now, ())
        try:
            [acquired] = await self.limit_store.acquire(reservation)
        except PortError as error:
            self._warn(error)
            return None
        return acquired if isinstance(acquired, Acquisition) else None

    async def settle(self, taken: Acquisition, counted: SentMessage | EndedCall | None) -> None:
        cost = 0 if counted is None else self.costs.of(counted)
        released, more = settle(taken, cost, self.clock.now())
        try:
            if released is not None:
                await self.limit_store.release(released)
            if more is not None:
                await self.limit_store.acquire(more)
        except PortError as error:
            self._warn(error)

    async def keep_for_call(self, call_id: str, taken: Acquisition) -> None:
        part = next((used.part for used in taken.parts if used.group == BUDGET), "")
        if not taken.limits:
            return
        call = ReservedCall(
            id=call_id,
            acquired_at=taken.acquired_at,
            country=next((limit.country for limit in taken.limits if limit.country), ""),
            amount=taken.limits[0].amount,
            part=part,
        )
        with suppress(PortError):
            await self.reserved_calls.add(call)

    async def end_call(self, call_id: str, ended: EndedCall | None) -> None:
        try:
            loaded = await self.reserved_calls.load(call_id)
            if loaded is None:
                if ended is not None:
                    await self.count(ended)
                return
            if not await self.reserved_calls.delete(call_id, loaded.version):
                return
        except PortError as error:
            self._warn(error)
            return
        call = loaded.value
        limits = self.budgets.windows(call.country, call.amount, call.part)
        await self.settle(Acquisition(call.acquired_at, limits), ended)

    async def count(self, ended: EndedCall) -> None:
        cost = self.costs.of(ended)
        counters = [each.counters[0] for each in self.budgets.of_country(ended.country)]
        limits = tuple(replace(counter, amount=cost) for counter in counters)
        if cost and limits:
            try:
                await self.limit_store.acquire(Reservation(self.clock.now(), limits))
            except PortError as error:
                self._warn(error)

    def _warn(self, error: PortError) -> None:
        _log.warning({"event": "budget_not_settled", "reason": str(error)})
