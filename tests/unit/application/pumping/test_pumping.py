"""Warnings where codes are not entered, and what they ask of strangers."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import cycle, product
from typing import Any, Final

import pytest

from adapters.records.features.pumping import make_pumping_repositories
from application.conversion.feature import ConversionFeature
from application.identities.login import LoggedIn
from application.otp.events import OtpRequestRejected
from application.pumping.feature import PumpingFeature
from domain.administration.audit import AuditAction
from domain.administration.scope import Scope
from domain.attestation.errors import AttestationRequired
from domain.errors import Forbidden, InvalidValue, TooManyOtpRequests
from domain.otp.delivery import Channel
from domain.otp.permits import ALL, BY_CALL, UNVERIFIED, Recognition
from domain.otp.rate_limits import ATTESTED, STRANGERS, RateLimits, Reservation
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber, parse_phone
from domain.pumping.restrict import PUMPING
from domain.pumping.warning import MAX_WARNINGS, ClosedBy, PumpingWarning, PumpingWarnings
from tests.support.acts import BY_COMMAND, REASON, a_token
from tests.support.app_harness import AppHarness
from tests.support.builders import a_hashed_ip
from tests.support.fakes.attestation import FakeAttestation, solve
from tests.support.policies import make_policy

HOUR: Final = timedelta(hours=1)
NEW_IP: Final = "203.0.113.200"
RANGE: Final = "+1415555"
NOT_ATTACKED: Final = 3_000
"""The first number of the phones to which no attack of these tests requests a code."""


def make_app(*, has_proofs: bool = False, per_country: int = 1_000) -> AppHarness:
    limits = RateLimits(
        per_country=SlidingWindow(per_country, HOUR),
        total=SlidingWindow(10 * per_country, HOUR),
        has_attested_part=has_proofs,
    )
    attestation = FakeAttestation() if has_proofs else None
    return AppHarness(policy=make_policy(rate_limits=limits), attestation=attestation)


@pytest.fixture
def app() -> AppHarness:
    return make_app()


def pumping_of(app: AppHarness) -> PumpingFeature:
    return app.use_cases.of(PumpingFeature)


def phones(prefix: str = "", first: int = 0) -> Iterator[PhoneNumber]:
    """Yield phones of one range, or of 800 ranges."""
    for number in range(first, 6_000):
        yield parse(f"{prefix or f'+1415{200 + number % 800}'}{number:04d}")


@cache
def parse(digits: str) -> PhoneNumber:
    return parse_phone(digits)


async def request(app: AppHarness, phone: PhoneNumber, number: int, **options: Any) -> bool:
    """Request a code from one of twenty networks, and return whether it was sent."""
    try:
        await app.request_otp(phone, f"198.18.{number % 20}.1", **options)
    except (TooManyOtpRequests, AttestationRequired):
        return False
    return True


async def attack(app: AppHarness, count: int = 200, prefix: str = "", first: int = 0) -> int:
    """Request codes that nobody enters, and return how many were sent."""
    sent = 0
    for number, phone in zip(range(count), phones(prefix, first), strict=False):
        sent += await request(app, phone, number)
    await update(app)
    return sent


async def update(app: AppHarness, minutes: float = 7) -> None:
    """Count what was sent, let the time pass in which codes can be entered, and judge."""
    await app.use_cases.of(ConversionFeature).update()
    app.advance(minutes=minutes)
    await app.use_cases.of(ConversionFeature).update()
    await pumping_of(app).update()


async def warning_of(app: AppHarness) -> PumpingWarning:
    [warning] = await pumping_of(app).list()
    return warning


def reserve(
    app: AppHarness,
    phone: PhoneNumber,
    recognition: Recognition = Recognition.NONE,
    channel: Channel = Channel.SMS,
) -> Reservation:
    limiter, hashed_ip = app.limits.delivery_limiter, a_hashed_ip(NEW_IP)
    return limiter.reserve_delivery(phone, hashed_ip, app.clock.now(), recognition, channel)


def is_sampled(app: AppHarness, phone: PhoneNumber) -> bool:
    now = app.clock.now()
    return app.otp.extensions.find_sample(phone, Recognition.NONE, now) == PUMPING


def find_phone(app: AppHarness, prefix: str = "", *, sampled: bool) -> PhoneNumber:
    found = phones(prefix, NOT_ATTACKED)
    return next(phone for phone in found if is_sampled(app, phone) is sampled)


def sizes(reservation: Reservation, group: str = UNVERIFIED) -> dict[str, int]:
    """Return the sizes of the first part for strangers, by the kind of its subject."""
    [parts] = [each.parts for each in reservation.groups if each.name == group]
    part = next(part for part in parts if part.name == STRANGERS)
    return {limit.subject_kind: limit.window.limit for limit in part.limits}


async def test_a_warning_opens_where_strangers_enter_no_codes(
    app: AppHarness, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    assert await attack(app) == 200

    warning = await warning_of(app)
    assert (warning.country, warning.number_range) == ("US", "")
    assert (warning.sent, warning.networks) == (200, 20)
    assert (warning.share_percent, warning.usual_percent) == (0, 40)
    assert warning.ends_at == app.clock.now() + HOUR
    assert pumping_of(app).count() == {"US": 1}
    [line] = [record.msg for record in caplog.records if "pumping" in str(record.msg)]
    assert line == {
        "event": "pumping_warning_opened",
        "warning_id": warning.id,
        "country": "US",
        "subject": "country",
        "sent": 200,
        "networks": 20,
        "share_percent": 0,
        "usual_percent": 40,
    }


async def test_codes_that_can_still_be_entered_decide_nothing(app: AppHarness) -> None:
    for number, phone in zip(range(200), phones(), strict=False):
        await request(app, phone, number)
    await update(app, 4)
    assert await pumping_of(app).list() == []
    # It decides once a minute.
    app.advance(10)
    await pumping_of(app).update()
    await update(app, 3)
    assert len(await pumping_of(app).list()) == 1


async def test_199_messages_decide_nothing(app: AppHarness) -> None:
    await attack(app, 199)
    assert await pumping_of(app).list() == []


async def test_people_who_enter_their_codes_are_no_pumping(app: AppHarness) -> None:
    for number, phone in zip(range(240), phones(), strict=False):
        client_ip = f"198.18.{number % 20}.{number}"
        await app.request_otp(phone, client_ip)
        if number % 4:
            assert isinstance(await app.verify_otp(app.last_code, phone, client_ip), LoggedIn)
    await update(app)
    assert await pumping_of(app).list() == []


async def test_without_proofs_the_part_of_strangers_falls_to_a_fifth(app: AppHarness) -> None:
    usual = sizes(reserve(app, find_phone(app, sampled=False)))
    await attack(app)
    phone = find_phone(app, sampled=False)

    assert usual == {"range": 30, "network": 30, "country": 600, "total": 6_000}
    smaller = {"range": 6, "network": 6, "country": 120, "total": 6_000}
    assert sizes(reserve(app, phone)) == smaller
    by_call = reserve(app, phone, channel=Channel.VOICE)
    assert sizes(by_call, ALL)["country"] == 1_200
    assert sizes(by_call, BY_CALL)["country"] == 24
    # 200 were sent within the hour already.
    with pytest.raises(TooManyOtpRequests) as raised:
        await app.request_otp(phone, NEW_IP)
    assert (raised.value.limit, raised.value.part) == (PUMPING, STRANGERS)
    assert app.events.of_type(OtpRequestRejected)[-1].limit == PUMPING


async def test_without_proofs_a_network_has_no_larger_part_than_before() -> None:
    app = make_app(per_country=10_000)
    await attack(app)
    unsampled = (each for each in phones("", NOT_ATTACKED) if not is_sampled(app, each))
    # A twentieth of the 1,200 messages that strangers have left.
    for number, phone in zip(range(60), unsampled, strict=False):
        assert (await app.request_otp(phone, f"203.0.113.{number % 20}")).sent
    with pytest.raises(TooManyOtpRequests) as raised:
        await app.request_otp(next(unsampled), NEW_IP)
    assert raised.value.limit == PUMPING


async def test_with_proofs_strangers_need_one() -> None:
    app = make_app(has_proofs=True)
    await attack(app)
    phone = find_phone(app, sampled=False)
    warning = await warning_of(app)

    app.advance(minutes=10)
    with pytest.raises(TooManyOtpRequests) as raised:
        await app.request_otp(phone, NEW_IP)
    assert app.clock.now() + timedelta(seconds=raised.value.retry_after) == warning.ends_at
    with pytest.raises(AttestationRequired) as required:
        await app.request_otp(phone, NEW_IP, accepts_attestation=True)
    proof = solve(required.value)
    assert (await app.request_otp(phone, NEW_IP, accepts_attestation=True, proof=proof)).sent
    [parts] = [each.parts for each in reserve(app, phone).groups if each.name == UNVERIFIED]
    assert [part.name for part in parts] == [ATTESTED, STRANGERS]


@pytest.mark.parametrize("has_proofs", [True, False])
async def test_no_reservation_of_a_recognized_phone_is_touched(*, has_proofs: bool) -> None:
    app = make_app(has_proofs=has_proofs)
    terms, recognized = app.limits.limits.terms, [*Recognition][1:]
    cases = [*product(recognized, Channel)]
    await attack(app)
    assert (await warning_of(app)).country == "US"
    for phone in (find_phone(app, sampled=False), find_phone(app, sampled=True)):
        assert reserve(app, phone).restriction is not None
        for recognition, channel in cases:
            with_warning = reserve(app, phone, recognition, channel)
            kept = terms.copy()
            terms.clear()
            assert reserve(app, phone, recognition, channel) == with_warning
            terms += kept


@pytest.mark.parametrize("has_proofs", [True, False])
async def test_a_recognized_phone_gets_its_code_during_a_warning(*, has_proofs: bool) -> None:
    app = make_app(has_proofs=has_proofs)
    phone = parse_phone("+14159990001")
    await app.request_otp(phone, NEW_IP)
    assert isinstance(await app.verify_otp(app.last_code, phone, NEW_IP), LoggedIn)
    await attack(app)
    assert (await app.request_otp(phone, NEW_IP)).sent


@pytest.mark.parametrize("has_proofs", [True, False])
async def test_an_operator_sends_a_code_during_a_warning(*, has_proofs: bool) -> None:
    app = make_app(has_proofs=has_proofs)
    await attack(app)
    phone = find_phone(app, sampled=False)
    assert reserve(app, phone).restriction is not None
    assert (await app.request_otp(phone, NEW_IP, is_by_operator=True)).sent


@pytest.mark.parametrize("has_proofs", [True, False])
async def test_the_sample_is_served_as_before_up_to_its_limit(*, has_proofs: bool) -> None:
    app = make_app(has_proofs=has_proofs)
    before = sizes(reserve(app, parse_phone("+14159990001")))
    await attack(app)
    others = [*phones("", NOT_ATTACKED)]
    sampled = [phone for phone in others if is_sampled(app, phone)]
    assert 0.04 < len(sampled) / len(others) < 0.06
    size = before["country"] // 10
    assert sizes(reserve(app, sampled[0])) == {**before, "country": size, "network": 3}
    sent = 0
    for number, phone in enumerate(sampled):
        sent += await request(app, phone, number)
    assert sent == size
    # After that a phone of the sample is like others.
    if has_proofs:
        with pytest.raises(AttestationRequired):
            await app.request_otp(sampled[-1], NEW_IP, accepts_attestation=True)
    with pytest.raises(TooManyOtpRequests) as raised:
        await app.request_otp(sampled[-1], NEW_IP)
    assert raised.value.limit == PUMPING


async def test_the_worst_ranges_come_first_and_show_their_prefix() -> None:
    app = make_app(has_proofs=True, per_country=100_000)
    for number, phone in zip(range(200), phones(), strict=False):
        client_ip = f"198.18.{number % 20}.{number}"
        await app.request_otp(phone, client_ip)
        await app.verify_otp(app.last_code, phone, client_ip)
    await attack(app, prefix=RANGE)

    warning = await warning_of(app)
    assert warning.number_range == app.keyed_hashes.hash_number_range(RANGE)
    assert warning.prefix == ""
    assert reserve(app, parse_phone("+14159990001")).restriction is None
    phone = find_phone(app, RANGE, sampled=False)
    assert reserve(app, phone).proof_until == warning.ends_at
    await update(app, 1)
    assert (await warning_of(app)).prefix == RANGE


async def test_without_proofs_a_range_has_a_fifth_and_its_country_what_it_had() -> None:
    app = make_app(per_country=100_000)
    usual = sizes(reserve(app, parse_phone(f"{RANGE}0001")))
    await attack(app, prefix=RANGE)
    phone = find_phone(app, RANGE, sampled=False)
    assert sizes(reserve(app, phone)) == {**usual, "range": usual["range"] // 5}
    sampled = find_phone(app, RANGE, sampled=True)
    of_sample = {"range": usual["range"] // 10, "network": usual["network"] // 10}
    assert sizes(reserve(app, sampled)) == {**usual, **of_sample}


async def test_ranges_that_change_are_the_country_after_fifty() -> None:
    app = make_app(has_proofs=True, per_country=100_000)
    opened = set()
    for first in (200, 225, 250):
        ranges = [f"+1415{each}" for each in range(first, first + 25)]
        for number in range(400):
            phone = parse(f"{ranges[number % 25]}{number:04d}")
            assert await request(app, phone, number)
        await update(app)
        opened.add((len(await pumping_of(app).list()), first))
    assert opened == {(25, 200), (50, 225), (51, 250)}
    assert [each.number_range for each in await pumping_of(app).list()].index("") == 50


async def test_the_end_of_one_range_does_not_hide_other_ranges() -> None:
    app = make_app(has_proofs=True, per_country=100_000)
    await attack(app, prefix=RANGE)
    app.advance(minutes=57)
    for number, phone in zip(range(200), phones("+1415556"), strict=False):
        await request(app, phone, number)
    # The first warning ends meanwhile, and what was sent before it does not open another one.
    await update(app)
    warning = await warning_of(app)
    assert warning.number_range == app.keyed_hashes.hash_number_range("+1415556")
    # Its own messages since then do.
    app.advance(minutes=1)
    await attack(app, prefix=RANGE, first=1_000)
    assert len(await pumping_of(app).list()) == 2


def a_warning(app: AppHarness, number: int, **changes: Any) -> PumpingWarning:
    now = app.clock.now()
    warning = PumpingWarning(
        id=f"{number:024x}",
        country="US",
        number_range=f"r{number}",
        opened_at=now - 2 * HOUR,
        ends_at=now - HOUR,
        sent=200,
        networks=20,
        share_percent=0,
        usual_percent=40,
    )
    return replace(warning, **changes)


def test_a_full_set_forgets_the_oldest_that_have_ended(app: AppHarness) -> None:
    now = app.clock.now()
    by_operator = a_warning(app, 0).close(now - HOUR, ClosedBy.OPERATOR)
    ended = [a_warning(app, number) for number in range(1, 10)]
    still_open = [
        a_warning(app, number, ends_at=now + HOUR) for number in range(10, MAX_WARNINGS - 1)
    ]
    full = PumpingWarnings((by_operator, *ended, *still_open))
    new = [a_warning(app, 1_000 + each, ends_at=now + HOUR) for each in range(3)]
    after = full.add(new, now).warnings
    assert after == (by_operator, *ended[2:], *still_open, *new)
    # Countries get one in any case.
    assert len(PumpingWarnings((*still_open, *still_open)).add(new, now).warnings) == (
        2 * len(still_open) + 3
    )


async def test_what_is_judged_is_not_what_is_usual(app: AppHarness) -> None:
    for number, phone in zip(range(100), phones("", NOT_ATTACKED), strict=False):
        client_ip = f"198.19.{number}.1"
        await app.request_otp(phone, client_ip)
        await app.verify_otp(app.last_code, phone, client_ip)
    app.advance(hours=2)
    for number, phone in zip(range(200), phones(), strict=False):
        client_ip = f"198.18.{number % 20}.{number}"
        await app.request_otp(phone, client_ip)
        if number % 4 == 0:
            await app.verify_otp(app.last_code, phone, client_ip)
    await update(app, 20)
    warning = await warning_of(app)
    assert (warning.share_percent, warning.usual_percent) == (25, 100)


async def test_a_range_that_is_seen_after_the_end_is_no_second_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = make_app(has_proofs=True, per_country=100_000)
    await attack(app, prefix=RANGE)
    await request(app, find_phone(app, RANGE, sampled=False), 1)
    await pumping_of(app).end(BY_COMMAND, (await warning_of(app)).id, REASON)
    caplog.set_level(logging.WARNING)
    caplog.clear()
    await update(app)
    assert caplog.records == []


async def serve_sample(app: AppHarness, count: int, *, enters: bool) -> None:
    """Let phones of the sample request codes, each from another network."""
    sampled = (phone for phone in phones("", NOT_ATTACKED) if is_sampled(app, phone))
    for number, phone in zip(range(count), sampled, strict=False):
        client_ip = f"198.19.{number}.1"
        assert (await app.request_otp(phone, client_ip)).sent
        if enters:
            await app.verify_otp(app.last_code, phone, client_ip)
    await update(app)


async def test_a_sample_that_enters_its_codes_closes_the_warning(
    app: AppHarness, caplog: pytest.LogCaptureFixture
) -> None:
    await attack(app)
    warning = await warning_of(app)
    caplog.set_level(logging.WARNING)
    caplog.clear()

    await serve_sample(app, 20, enters=True)
    assert await pumping_of(app).list() == []
    [record] = caplog.records
    assert record.msg == {
        "event": "pumping_warning_closed",
        "warning_id": warning.id,
        "country": "US",
        "subject": "country",
        "reason": "sample",
    }
    # What was sent before does not open another one.
    await update(app)
    assert await pumping_of(app).list() == []
    assert reserve(app, find_phone(app, sampled=False)).restriction is None


async def test_a_warning_ends_after_an_hour_unless_its_sample_shows_that_it_goes_on(
    app: AppHarness, caplog: pytest.LogCaptureFixture
) -> None:
    await attack(app)
    first = (await warning_of(app)).ends_at
    app.advance(minutes=35)
    await serve_sample(app, 5, enters=False)
    renewed = await warning_of(app)
    assert renewed.ends_at == app.clock.now() + HOUR > first

    # Nobody requests anything: the last messages count once more, and then there are none.
    caplog.set_level(logging.WARNING)
    caplog.clear()
    for _ in range(13):
        await update(app, 10)
    assert await pumping_of(app).list() == []
    assert ["'reason': 'time'" in str(record.msg) for record in caplog.records] == [True]


async def test_a_warning_ends_after_a_day_and_needs_new_messages_to_open_again(
    app: AppHarness,
) -> None:
    await attack(app)
    opened = await warning_of(app)
    sampled = cycle([phone for phone in phones("", NOT_ATTACKED) if is_sampled(app, phone)])
    while app.clock.now() < opened.opened_at + timedelta(hours=23, minutes=20):
        for number in range(5):
            assert await request(app, next(sampled), number)
        await update(app, 29)
    assert (await warning_of(app)).id == opened.id
    app.advance(hours=1)
    await update(app)
    assert await pumping_of(app).list() == []
    await attack(app, first=1_000)
    assert (await warning_of(app)).id != opened.id


async def test_an_operator_ends_a_warning_for_a_day(app: AppHarness) -> None:
    await attack(app)
    warning, pumping = await warning_of(app), pumping_of(app)

    with pytest.raises(Forbidden):
        await pumping.end(a_token(*Scope), warning.id, REASON)
    ended = await pumping.end(BY_COMMAND, warning.id, REASON)
    assert (ended.closed_by, ended.closed_at) == (ClosedBy.OPERATOR, app.clock.now())
    assert reserve(app, find_phone(app, sampled=False)).restriction is None
    [entry] = app.database.audit_entries
    assert (entry.action, entry.subject) == (AuditAction.END_RULE, warning.id)
    assert entry.reason == f"warning of pumping in US. {REASON}"
    with pytest.raises(InvalidValue):
        await pumping.end(BY_COMMAND, warning.id, REASON)

    app.advance(hours=2)
    await attack(app, first=1_000)
    assert await pumping.list() == []
    app.advance(hours=23)
    await attack(app, first=4_000)
    assert len(await pumping.list()) == 1


async def test_a_fault_of_a_provider_is_no_pumping(app: AppHarness) -> None:
    known = []
    for number, phone in zip(range(25), phones("", NOT_ATTACKED), strict=False):
        client_ip = f"198.19.{number}.1"
        await app.request_otp(phone, client_ip)
        await app.verify_otp(app.last_code, phone, client_ip)
        known.append((phone, client_ip))
    app.advance(hours=2)
    # Now neither recognized phones nor strangers get their messages.
    for phone, client_ip in known:
        await app.request_otp(phone, client_ip)
    await attack(app)
    assert await pumping_of(app).list() == []


async def test_another_process_obeys_a_warning_that_it_has_read(app: AppHarness) -> None:
    await attack(app)
    other = AppHarness(database=app.database, clock=app.clock, policy=app.policy)
    phone = find_phone(app, sampled=False)
    assert reserve(other, phone).restriction is None
    await pumping_of(other).read()
    assert reserve(other, phone) == reserve(app, phone)
    # What one has decided, another one does not decide again.
    await other.use_cases.of(ConversionFeature).update()
    await pumping_of(other).update()
    assert len(await pumping_of(other).list()) == 1


async def test_warnings_are_deleted_a_day_after_their_end(app: AppHarness) -> None:
    known = pumping_of(app).known
    assert known is not None
    await app.operations.cleanup()
    await attack(app)
    app.advance(hours=24)
    kept = []
    for _ in range(2):
        await app.operations.cleanup()
        await pumping_of(app).read()
        kept.append(len(known.known.warnings))
        app.advance(hours=1, seconds=1)
    assert kept == [1, 0]


async def test_where_it_is_switched_off_strangers_are_served_as_usual(app: AppHarness) -> None:
    await attack(app)
    limits = app.limits.limits
    limits.terms.clear()
    repositories = make_pumping_repositories(app.database.stores)
    pumping = PumpingFeature(app.use_cases, repositories, protects=False)
    await pumping.read()
    assert (limits.terms, pumping.count()) == ([], {})
    assert len(await pumping.list()) == 1
    await pumping.update()
