"""What features make of the reservation of a delivery, with and without rules of operators."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from application.limits.delivery_limiter import DeliveryLimiter
from application.limits.delivery_terms import RequestedDelivery
from domain.otp.delivery import Channel
from domain.otp.permits import Outcome, Permits, Recognition
from domain.otp.rate_limits import STRANGERS, LimitPurpose, RateLimit, RateLimits, Reservation
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber
from tests.support.builders import CLIENT_IP, NOW, a_phone
from tests.support.core_harness import CoreHarness

DAY = timedelta(days=1)
HASHED_IP = CoreHarness().keyed_hashes.hash_client_ip(CLIENT_IP)


class WithLimit:
    """Terms with one limit more, of the country of the phone."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: list[RequestedDelivery] = []

    def change(self, reservation: Reservation, delivery: RequestedDelivery) -> Reservation:
        self.seen.append(delivery)
        subject = f"country:{delivery.phone.country}"
        limit = RateLimit(subject, LimitPurpose.DELIVERIES, self.name, SlidingWindow(9, DAY), 3)
        return replace(reservation, limits=(*reservation.limits, limit))


class NoStrangers:
    """Terms that take away the part of strangers."""

    def change(self, reservation: Reservation, delivery: RequestedDelivery) -> Reservation:
        del delivery
        return replace(reservation, groups=reservation.without(STRANGERS).groups)


class EndingRule:
    """A rule that ends in an hour, and changes nothing."""

    has_rules = True

    def list_ends(self, phone: PhoneNumber, client_ip: str, now: datetime) -> Sequence[datetime]:
        return [now + timedelta(hours=1)]

    def change(self, settings: RateLimits, *_: object) -> RateLimits:
        return settings

    def find_denial_of_client(self, client_ip: str, now: datetime) -> str:
        return ""


def reserve(limiter: DeliveryLimiter, channel: Channel = Channel.SMS) -> Reservation:
    return limiter.reserve_delivery(a_phone(), HASHED_IP, NOW, Recognition.DEVICE, channel)


def names(reservation: Reservation) -> list[str]:
    return [limit.name for limit in reservation.limits]


def test_terms_change_a_reservation_in_their_order() -> None:
    limiter = CoreHarness().limits.delivery_limiter
    first, second = WithLimit("first"), WithLimit("second")
    limiter.limits.terms += [first, second]

    reservation = reserve(limiter, Channel.VOICE)

    assert names(reservation) == ["first", "second"]
    assert (
        first.seen
        == second.seen
        == [
            RequestedDelivery(
                phone=a_phone(),
                route=limiter.route(a_phone(), HASHED_IP),
                recognition=Recognition.DEVICE,
                channel=Channel.VOICE,
            )
        ]
    )


def test_terms_change_a_reservation_at_all_times_of_rules() -> None:
    limiter = CoreHarness().limits.delivery_limiter
    limiter.limits.terms.append(WithLimit("more"))
    limiter.limits.rules = EndingRule()  # type: ignore[assignment]

    reservation = reserve(limiter)

    ruling = reservation.ruling
    assert ruling is not None
    later = ruling.later
    assert later is not None
    assert later.ruling is not None
    for each in (reservation, later, ruling.of_settings, later.ruling.of_settings):
        assert names(each) == ["more"]
    assert later.acquired_at == NOW + timedelta(hours=1)


async def test_permits_are_given_back_after_terms_took_their_part_away() -> None:
    core = CoreHarness()
    limiter = core.limits.delivery_limiter
    [acquired] = await core.limits.limit_store.acquire(
        limiter.reserve_delivery(a_phone(), HASHED_IP, NOW, Recognition.NONE, Channel.SMS)
    )
    limiter.limits.terms.append(NoStrangers())
    assert not isinstance(acquired, datetime)

    released = limiter.limits.settings.settle(
        limiter.route(a_phone(), HASHED_IP),
        Permits(NOW, acquired.parts),
        Outcome.NO_CONNECTION,
    )

    assert set(released.limits) == set(acquired.limits)
