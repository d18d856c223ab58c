"""Which codes are counted, and which provider is tried first."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from application.otp.extensions import CountedCode
from application.ports.otp import DeliveryResult
from domain.errors import DeliveryFailed
from domain.identities.device_token import DeviceToken
from domain.otp.challenge import OtpCode, Purpose
from domain.otp.channel_order import ChannelOrder
from domain.otp.delivery import Channel
from domain.otp.permits import Recognition
from domain.otp.test_otps import TestOtp, TestOtps
from tests.support.builders import a_phone
from tests.support.core_harness import CoreHarness
from tests.support.core_policy import make_core_policy
from tests.support.fakes.messenger import ACCEPTED, REJECTED, UNKNOWN


@pytest.fixture
def counted(app: CoreHarness) -> list[CountedCode]:
    return count(app)


def count(app: CoreHarness) -> list[CountedCode]:
    """Return the codes that are counted from now on."""
    counted: list[CountedCode] = []
    app.otp.extensions.count_code = counted.append
    return counted


async def test_a_code_is_counted_when_it_is_sent_and_when_it_is_entered(
    app: CoreHarness, counted: list[CountedCode]
) -> None:
    app.messenger.result = replace(ACCEPTED, provider="other")
    requested_at = app.clock.now()
    await app.request_otp()
    app.advance(20)
    await app.verify_otp(app.last_code)

    sent, entered = counted
    assert entered == replace(sent, is_entered=True)
    assert (sent.country, sent.channel, sent.provider) == ("US", Channel.SMS, "other")
    assert (sent.recognition, sent.has_proof) == (Recognition.NONE, False)
    assert sent.number_range == app.keyed_hashes.hash_number_range(a_phone().number_range)
    assert sent.sent_at == requested_at
    assert 0 <= sent.fraction < 1


async def test_what_nobody_entered_is_not_counted_as_entered(
    app: CoreHarness, counted: list[CountedCode]
) -> None:
    await app.request_otp()
    await app.verify_otp("000000" if app.last_code != "000000" else "000001")
    await app.verify_otp(app.last_code)
    await app.verify_otp(app.last_code)  # a repetition
    assert [code.is_entered for code in counted] == [False, True]


async def test_a_code_that_was_sent_twice_counts_for_the_second_message(
    app: CoreHarness, counted: list[CountedCode]
) -> None:
    await app.request_otp()
    app.advance(minutes=1)
    app.messenger.result = replace(UNKNOWN, provider="other")
    await app.request_otp()
    await app.verify_otp(app.last_code)
    assert [code.provider for code in counted] == ["acme", "other", "other"]
    assert counted[0].fraction != counted[1].fraction
    assert counted[1].fraction == counted[2].fraction


async def test_what_no_provider_took_and_what_was_not_sent_is_not_counted() -> None:
    tests = TestOtps((TestOtp(a_phone(2), OtpCode("123456")),))
    app = CoreHarness(policy=make_core_policy(test_otps=tests))
    counted = count(app)
    await app.request_otp(a_phone(2))
    await app.verify_otp("123456", a_phone(2))
    app.messenger.result = REJECTED
    with pytest.raises(DeliveryFailed):
        await app.request_otp()
    assert counted == []


async def test_a_recognized_device_is_counted_as_one(
    app: CoreHarness, counted: list[CountedCode]
) -> None:
    device: DeviceToken | None = (await app.open_session()).device_token
    counted.clear()
    await app.open_session(device_token=device)
    assert {code.recognition for code in counted} == {Recognition.DEVICE}


async def test_the_chosen_provider_is_recorded_and_tried_first(app: CoreHarness) -> None:
    app.messenger.names = ("acme", "other", "third")
    asked: list[tuple[str, Channel, Sequence[str], float]] = []

    def order(
        country: str, channel: Channel, providers: Sequence[str], fraction: float
    ) -> Sequence[str]:
        asked.append((country, channel, providers, fraction))
        # It changes its mind between the record of the delivery and the message.
        return ("third", "other", "acme") if len(asked) == 1 else ("other", "third", "acme")

    app.otp.extensions.order_providers = order
    counted = count(app)
    await app.request_otp()

    (row,) = app.database.phone_verifications.values()
    assert [delivery.provider for delivery in row.value.deliveries] == ["third"]
    assert app.messenger.orders == [("third", "other", "acme")]
    assert asked[0] == asked[1] == ("US", Channel.SMS, app.messenger.names, counted[0].fraction)


async def test_without_a_choice_the_order_is_that_of_the_operator(app: CoreHarness) -> None:
    app.messenger.names = ("acme", "other")
    await app.request_otp()
    assert app.messenger.orders == [("acme", "other")]


class OtherChannel:
    """A channel of messages beside the SMS."""

    provider = "other"

    async def send(self, *_: object) -> DeliveryResult:
        return ACCEPTED

    def retry_after(self) -> float:
        return 0


async def test_a_code_goes_by_the_chosen_channel_unless_the_client_names_one() -> None:
    channels = ChannelOrder((Channel.WHATSAPP, Channel.SMS))
    app = CoreHarness(policy=make_core_policy(channels=channels))
    asked: list[tuple[str, Sequence[Channel], float]] = []

    def order(country: str, channels: Sequence[Channel], fraction: float) -> Sequence[Channel]:
        asked.append((country, channels, fraction))
        return [*reversed(channels)]

    app.otp.extensions.message_channels[Channel.WHATSAPP] = OtherChannel()
    app.otp.extensions.order_channels = order
    counted = count(app)
    await app.request_otp(channel=None)
    await app.request_otp(a_phone(2), channel=Channel.WHATSAPP)
    await app.request_otp(a_phone(3), channel=None, purpose=Purpose.CHANGE_PHONE)
    assert [code.channel for code in counted] == [Channel.SMS, Channel.WHATSAPP, Channel.SMS]
    assert asked == [("US", [Channel.WHATSAPP, Channel.SMS], counted[0].fraction)]


async def test_a_code_has_the_sample_that_its_phone_had_when_it_was_requested(
    app: CoreHarness, counted: list[CountedCode]
) -> None:
    asked: list[object] = []

    def find(*args: object) -> str:
        asked.append(args)
        return "test"

    app.otp.extensions.find_sample = find
    requested_at = app.clock.now()
    await app.request_otp()
    app.advance(20)
    await app.verify_otp(app.last_code)
    assert [code.sample for code in counted] == ["test", "test"]
    assert asked == [(a_phone(), Recognition.NONE, requested_at)] * 2
