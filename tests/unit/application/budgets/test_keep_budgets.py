"""Strangers have a part of a budget; a hard end stops everybody."""

import asyncio
from contextlib import suppress
from typing import NoReturn

import pytest

from application.otp.codes import OtpCodes
from application.otp.extensions import CodeDelivery, EndedCall
from application.ports.errors import StorageUnavailable
from application.ports.otp import DeliveryResult
from domain.budgets.budgets import BUDGET, Budget
from domain.errors import DeliveryFailed, PhoneUnreachable, Unavailable
from domain.otp.channel_order import ChannelOrder
from domain.otp.delivery import Channel
from domain.otp.delivery_policy import DeliveryDecision
from domain.otp.message_preferences import MessagePreferences
from domain.otp.permits import Permits, UsedPart
from domain.otp.rate_limits import ATTESTED, STRANGERS, Acquisition
from domain.phone import PhoneNumber
from tests.support.builders import NOW
from tests.support.fakes.messenger import (
    ACCEPTED,
    INVALID_NUMBER,
    NOT_CONNECTED,
    REJECTED,
    UNAVAILABLE,
    UNKNOWN,
)
from tests.unit.application.budgets.budget_harness import (
    PRICE,
    BudgetHarness,
    a_phone_of,
    network_of,
    open_budgets,
)

TEN = PRICE * 10
"""A budget of ten messages: strangers have six in a day, and one in an hour."""


async def test_strangers_get_a_sixth_of_their_part_in_an_hour() -> None:
    app = open_budgets(Budget("", 10 * TEN, None))

    rejected = await app.request_many(15)

    assert rejected == ["budget_hour_total"] * 5
    assert await app.used() == {"": TEN}
    app.advance(hours=1, minutes=1)
    assert await app.request_many(11, 20) == ["budget_hour_total"]


async def test_strangers_get_60_percent_in_a_day() -> None:
    app = open_budgets(Budget("", TEN, None))
    for hour in range(10):
        await app.request_one(hour)
        app.advance(hours=1, minutes=1)

    assert await app.request_one(20) == ["budget_total"]
    assert len(app.messenger.messages) == 6
    app.advance(hours=15)
    assert await app.request_one(21) == []


async def test_a_country_has_a_budget_of_its_own() -> None:
    app = open_budgets(Budget("", 100 * TEN, None), Budget("US", TEN, None))

    assert await app.request_many(2) == ["budget_hour_per_country"]
    await app.request_otp(a_phone_of(1, 49), client_ip=network_of(9))

    assert await app.used() == {"": 2 * PRICE, "US": PRICE}


async def test_recognized_phones_are_not_stopped_by_the_budget() -> None:
    app = open_budgets(Budget("", TEN, None))
    for number in range(6):
        await app.request_one(number)
        assert app.messenger.messages
        await app.verify_otp(app.last_code, a_phone_of(number), client_ip=network_of(number))
        app.advance(hours=1, minutes=1)
    assert await app.request_one(20) == ["budget_total"]

    # From the IP of an earlier login.
    assert await app.request_many(6) == []


async def test_operators_are_not_stopped_by_the_budget() -> None:
    app = open_budgets(Budget("", TEN, None))
    assert await app.request_many(2) == ["budget_hour_total"]

    assert await app.request_one(30, is_by_operator=True) == []


async def test_a_hard_end_stops_everybody_until_time_passes() -> None:
    app = open_budgets(Budget("", None, 2 * PRICE))
    await app.request_one(0)
    await app.verify_otp(app.last_code, a_phone_of(0), client_ip=network_of(0))
    app.advance(minutes=30)

    assert await app.request_many(3, 1) == ["hard_budget_total"] * 2
    assert await app.request_one(0) == ["hard_budget_total"]
    assert await app.request_one(9, is_by_operator=True) == ["hard_budget_total"]
    app.advance(hours=24, minutes=30)
    assert await app.request_one(0) == []


async def test_a_login_gives_no_money_back() -> None:
    app = open_budgets(Budget("", TEN, None))
    await app.request_one(0)
    await app.verify_otp(app.last_code, a_phone_of(0), client_ip=network_of(0))

    assert await app.used() == {"": PRICE}
    assert await app.request_one(1) == ["budget_hour_total"]


@pytest.mark.parametrize("result", [NOT_CONNECTED, UNAVAILABLE, REJECTED, INVALID_NUMBER], ids=str)
async def test_what_was_not_sent_costs_nothing(result: object) -> None:
    app = open_budgets(Budget("", TEN, TEN))
    app.messenger.result = result  # type: ignore[assignment]

    for number in range(3):
        with pytest.raises((DeliveryFailed, PhoneUnreachable)):
            await app.request_one(number)

    assert await app.used() == {"": 0}


async def test_an_unknown_result_is_paid() -> None:
    app = open_budgets(Budget("", TEN, None))
    app.messenger.result = UNKNOWN

    await app.request_one(0)

    assert await app.used() == {"": PRICE}


async def test_what_has_no_price_takes_nothing() -> None:
    app = open_budgets(Budget("", TEN, TEN), prices={("US", Channel.SMS): 0})

    assert await app.request_many(20) == []
    assert await app.used() == {"": 0}


async def test_a_free_provider_takes_nothing() -> None:
    app = open_budgets(Budget("", TEN, TEN))
    spending = app.otp.extensions.spending
    assert spending is not None

    app.messenger.names = app.providers[Channel.SMS] = ("free",)

    await spending.count(EndedCall(country="US", provider="free", seconds=90))
    assert await app.request_many(2) == []

    assert await app.used() == {"": 0}


async def test_a_message_without_a_code_is_stopped_by_the_hard_end_only() -> None:
    app = open_budgets(Budget("", TEN, 3 * PRICE))
    spending = app.otp.extensions.spending
    assert spending is not None
    await app.request_one(0)

    taken = [await spending.acquire("US", Channel.SMS, 1) for _ in range(3)]

    assert [each is not None for each in taken] == [True, True, False]
    assert taken[0] is not None
    await spending.settle(taken[0], None)
    assert await app.used() == {"": 2 * PRICE}


class FakeChannel:
    """A channel with this result, which reaches nobody by default."""

    provider = "other"

    def __init__(self, result: DeliveryResult = INVALID_NUMBER) -> None:
        self.result = result
        self.gate: asyncio.Event | None = None

    async def send(self, *_: object) -> DeliveryResult:
        if self.gate is not None:
            await self.gate.wait()
        return self.result

    def retry_after(self) -> float:
        return 0


async def test_the_next_channel_of_a_stranger_counts_in_the_part_of_strangers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("application.otp.deliver_in_order.HIDDEN_WAIT", 0)
    order = ChannelOrder((Channel.WHATSAPP, Channel.SMS))
    app = open_budgets(Budget("", TEN, None), channels=order)
    app.otp.extensions.message_channels[Channel.WHATSAPP] = FakeChannel()

    await app.request_one(0, channel=None)
    await app.otp.deliver_in_order.finish()

    assert len(app.messenger.messages) == 1
    assert app.budgets.watch is not None
    [use] = await app.budgets.watch.measure()
    assert (use.used, use.used_by_strangers, use.used_in_hour) == (PRICE, PRICE, PRICE)
    assert await app.request_one(1) == ["budget_hour_total"]


async def test_strangers_stay_within_their_part_when_all_channels_are_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("application.otp.deliver_in_order.HIDDEN_WAIT", 0)
    app = open_budgets(
        Budget("", 30 * TEN, None),
        channels=ChannelOrder((Channel.WHATSAPP, Channel.SMS)),
        prices={("US", Channel.WHATSAPP): PRICE, ("US", Channel.SMS): TEN},
    )
    channel = app.otp.extensions.message_channels[Channel.WHATSAPP] = FakeChannel()
    channel.gate = asyncio.Event()

    rejected = await app.request_many(9, channel=None)
    channel.gate.set()
    await app.otp.deliver_in_order.finish()

    assert rejected == ["budget_hour_total"] * 6
    assert len(app.messenger.messages) == 3
    assert await app.used() == {"": 3 * TEN}


@pytest.mark.parametrize(("result", "used"), [(ACCEPTED, PRICE), (REJECTED, 0)], ids=repr)
@pytest.mark.parametrize("order", [(Channel.SMS, Channel.WHATSAPP), (Channel.WHATSAPP,)], ids=repr)
async def test_what_the_last_channel_does_not_cost_is_given_back(
    order: tuple[Channel, ...],
    result: DeliveryResult,
    used: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("application.otp.deliver_in_order.HIDDEN_WAIT", 0)
    prices = {("US", Channel.WHATSAPP): PRICE, ("US", Channel.SMS): TEN}
    app = open_budgets(Budget("", 30 * TEN, None), channels=ChannelOrder(order), prices=prices)
    app.otp.extensions.message_channels[Channel.WHATSAPP] = FakeChannel(result)
    app.messenger.result = REJECTED

    await app.request_one(0, channel=None)
    await app.otp.deliver_in_order.finish()

    assert await app.used() == {"": used}


@pytest.mark.parametrize(("budget", "sent", "used"), [(3 * TEN, 1, 2), (TEN, 0, 1)])
async def test_after_a_report_the_next_channel_is_paid_with_an_amount_of_its_own(
    budget: int, sent: int, used: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.otp.deliver_in_order.HIDDEN_WAIT", 0)
    order = ChannelOrder((Channel.WHATSAPP, Channel.SMS))
    prices = {("US", Channel.WHATSAPP): PRICE, ("US", Channel.SMS): PRICE}
    app = open_budgets(Budget("", budget, None), channels=order, prices=prices)
    app.otp.extensions.message_channels[Channel.WHATSAPP] = FakeChannel(ACCEPTED)
    in_order, phone = app.otp.deliver_in_order, a_phone_of(0)
    await app.request_one(0, channel=None)
    await in_order.finish()

    loaded = await app.use_cases.repositories.phone_verifications.load(phone)
    [delivery], [challenge] = loaded.value.deliveries, loaded.value.challenges
    code = CodeDelivery(phone, MessagePreferences(), delivery, challenge)
    await in_order.fall_back(code, INVALID_NUMBER, [Channel.SMS])

    assert len(app.messenger.messages) == sent
    assert await app.used() == {"": used * PRICE}


@pytest.mark.parametrize(("part", "sent"), [(STRANGERS, 1), (ATTESTED, 2)])
async def test_what_follows_a_delivery_is_taken_from_the_same_part(part: str, sent: int) -> None:
    app = open_budgets(Budget("", TEN, 2 * PRICE))
    spending = app.otp.extensions.spending
    assert spending is not None
    permits = Permits(NOW, (UsedPart(BUDGET, part),))

    taken = [await spending.acquire("US", Channel.SMS, 1, permits) for _ in range(3)]

    assert [each is not None for each in taken] == [True] * sent + [False] * (3 - sent)


class Calls:
    """Places calls, with this result or error, and ends one while it is placed."""

    provider = "acme"

    def __init__(self, app: BudgetHarness, result: DeliveryResult | BaseException) -> None:
        self.app, self.result = app, result
        app.providers[Channel.VOICE] = (self.provider,)
        self.ended: EndedCall | None = None

    async def __call__(
        self, phone: PhoneNumber, preferences: MessagePreferences, decision: DeliveryDecision
    ) -> DeliveryResult:
        call_id = decision.delivery.call_id or ""
        if self.ended is not None and self.app.otp.extensions.spending is not None:
            await self.app.otp.extensions.spending.end_call(call_id, self.ended)
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result

    def retry_after(self) -> float:
        return 0


@pytest.mark.parametrize(
    ("result", "used"),
    [
        (ACCEPTED, 3 * PRICE),
        (REJECTED, 0),
        (StorageUnavailable("no call was placed"), 0),
        (asyncio.CancelledError(), 3 * PRICE),
    ],
    ids=repr,
)
async def test_a_call_is_paid_unless_it_surely_was_not_placed(
    result: DeliveryResult | BaseException, used: int
) -> None:
    app = open_budgets(Budget("", 10 * TEN, None))
    app.otp.extensions.code_calls = Calls(app, result)

    with suppress(DeliveryFailed, StorageUnavailable, asyncio.CancelledError):
        await app.request_one(0, channel=Channel.VOICE)

    assert await app.used() == {"": used}


async def test_a_call_that_nothing_places_costs_what_the_message_costs() -> None:
    prices = {("US", Channel.VOICE): TEN, ("US", Channel.SMS): PRICE}
    app = open_budgets(Budget("", 10 * TEN, None), prices=prices)

    await app.request_one(0, channel=Channel.VOICE)

    assert await app.used() == {"": PRICE}


async def test_a_call_that_ends_while_it_is_placed_gives_back_what_it_did_not_last() -> None:
    app = open_budgets(Budget("", 10 * TEN, None))
    calls = app.otp.extensions.code_calls = Calls(app, ACCEPTED)
    calls.ended = EndedCall(country="US", provider="acme", seconds=20)

    await app.request_one(0, channel=Channel.VOICE)

    assert await app.used() == {"": PRICE}


@pytest.mark.parametrize("channels", [(Channel.SMS,), (Channel.WHATSAPP, Channel.SMS)], ids=repr)
async def test_a_code_whose_key_is_gone_costs_nothing(
    channels: tuple[Channel, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.otp.deliver_in_order.HIDDEN_WAIT", 0)
    app = open_budgets(Budget("", 10 * TEN, None), channels=ChannelOrder(channels))
    channel = app.otp.extensions.message_channels[Channel.WHATSAPP] = FakeChannel()
    monkeypatch.setattr(channel, "send", raise_unavailable)
    monkeypatch.setattr(OtpCodes, "derive", raise_unavailable)

    with suppress(Unavailable):
        await app.request_one(0, channel=None)
    await app.otp.deliver_in_order.finish()

    assert await app.used() == {"": 0}


def raise_unavailable(*_: object) -> NoReturn:
    raise Unavailable


async def test_without_an_answer_of_the_store_no_message_without_a_code_is_sent() -> None:
    app = open_budgets(Budget("", TEN, None))
    spending = app.otp.extensions.spending
    assert spending is not None
    taken = await spending.acquire("US", Channel.SMS, 1)
    assert taken is not None

    app.faults.fail_on("limit_store.acquire")
    assert await spending.acquire("US", Channel.SMS, 1) is None
    app.faults.fail_on("limit_store.release")
    await spending.settle(taken, None)
    app.faults.fail_on("limit_store.acquire")
    await spending.count(EndedCall(country="US", provider="acme", seconds=1))
    app.faults.fail_on("reserved_calls.load")
    await spending.end_call("a call", None)

    assert await app.used() == {"": PRICE}


async def test_a_call_keeps_its_amount_until_it_ends() -> None:
    app = open_budgets(Budget("", 10 * TEN, None), Budget("US", 10 * TEN, None))
    spending = app.otp.extensions.spending
    assert spending is not None
    for call_id in ("first", "second", "third"):
        taken = await spending.acquire("US", Channel.VOICE, 3)
        assert taken is not None
        await spending.keep_for_call(call_id, taken)
    assert await app.used() == {"": 9 * PRICE, "US": 9 * PRICE}

    ended = EndedCall(country="US", provider="acme", seconds=61)
    for _ in range(2):
        await spending.end_call("second", None)
    assert await app.used() == {"": 6 * PRICE, "US": 6 * PRICE}
    await spending.end_call("first", ended)

    assert await app.used() == {"": 5 * PRICE, "US": 5 * PRICE}


async def test_an_inbound_call_is_counted_at_its_end() -> None:
    app = open_budgets(Budget("", TEN, PRICE))
    spending = app.otp.extensions.spending
    assert spending is not None

    await spending.end_call("inbound", EndedCall(country="US", provider="acme", seconds=130))
    await spending.end_call("not answered", None)

    assert await app.used() == {"": 3 * PRICE}


async def test_nothing_is_kept_where_nothing_was_taken() -> None:
    app = open_budgets(Budget("US", TEN, None))
    spending = app.otp.extensions.spending
    assert spending is not None

    assert spending.find("US", [Channel.SMS], None).limits == ()
    assert spending.find("US", [Channel.SMS], Permits(NOW)).limits == ()
    await spending.keep_for_call("a call", spending.find("US", [Channel.SMS], None))
    taken = await spending.acquire("DE", Channel.SMS, 1)

    assert taken == Acquisition(app.clock.now(), ())
    assert await app.used() == {"US": 0}


async def test_a_callback_takes_the_amount_of_its_call() -> None:
    app = open_budgets(Budget("", 6 * TEN, None))
    limiter = app.limits.delivery_limiter

    reservation = limiter.make_callback_reservation(a_phone_of(1), app.clock.now())

    group = reservation.groups[-1]
    assert [part.name for part in group.parts] == ["strangers", "reserve"]
    assert {limit.amount for limit in group.parts[0].limits} == {2 * PRICE}


async def test_the_amount_of_a_call_that_nobody_reports_is_deleted_with_its_window() -> None:
    app = open_budgets(Budget("", TEN, None))
    spending = app.otp.extensions.spending
    assert spending is not None
    taken = await spending.acquire("US", Channel.SMS, 1)
    assert taken is not None
    await spending.keep_for_call("lost", taken)

    app.advance(hours=26)
    report = await app.operations.cleanup()

    assert report["expired_budget_calls"] == 1
