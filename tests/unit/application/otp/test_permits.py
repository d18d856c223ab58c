"""What a delivery holds of the limits, until one update ends it. Only its process releases that."""

import asyncio
from dataclasses import replace

import pytest

from application.identities.login import LoggedIn
from application.ports.errors import StorageUnavailable
from domain.errors import DeliveryFailed
from domain.otp.delivery import Delivery
from domain.otp.permits import Permits, Recognition, UsedPart
from tests.support.builders import a_phone
from tests.support.core_harness import WEBHOOK_URLS, CoreHarness, wrong_code
from tests.support.core_policy import make_core_policy
from tests.support.fakes.messenger import ACCEPTED, REJECTED
from tests.support.fault_injector import ProcessKilled

UNVERIFIED = "deliveries:unverified"


def deliveries(app: CoreHarness) -> tuple[Delivery, ...]:
    return app.database.phone_verifications[a_phone()].value.deliveries


def unverified(app: CoreHarness) -> int:
    """Return how many permits of unverified deliveries are held in total."""
    permits = app.database.permits.items()
    return sum(count for name, count in permits if name.startswith(f"total:{UNVERIFIED}"))


async def test_a_delivery_holds_the_parts_that_were_used_and_how_it_was_recognized(
    app: CoreHarness,
) -> None:
    await app.request_otp()
    [delivery] = deliveries(app)
    assert delivery.permits == Permits(
        app.clock.now(), (UsedPart("unverified", "strangers"), UsedPart("all", "strangers"))
    )
    await app.verify_otp(app.last_code)
    app.advance(hours=2)
    await app.request_otp()
    *_, delivery = deliveries(app)
    assert delivery.permits == Permits(
        app.clock.now(),
        (UsedPart("unverified", "recognized"), UsedPart("all", "recognized")),
        Recognition.TRUSTED_IP,
    )


async def test_a_login_clears_the_permits_of_all_that_had_its_code_and_releases_them_once(
    app: CoreHarness,
) -> None:
    await app.request_otp(a_phone(2))
    for _ in range(2):
        await app.request_otp()
        app.advance(30)
    assert unverified(app) == 3

    repeats = (app.verify_otp(app.last_code) for _ in range(20))
    results = await asyncio.gather(*repeats)

    assert any(isinstance(result, LoggedIn) for result in results)
    assert [delivery.permits for delivery in deliveries(app)] == [None, None]
    assert unverified(app) == 1


async def test_a_login_that_was_completed_later_releases_nothing_of_others(
    app: CoreHarness,
) -> None:
    await app.request_otp()
    code = app.last_code
    app.faults.fail_on("identities.add")
    with pytest.raises(StorageUnavailable):
        await app.verify_otp(code)
    app.faults.reset()
    await app.request_otp(a_phone(2))

    assert isinstance(await app.verify_otp(code), LoggedIn)

    assert unverified(app) == 1


async def test_a_repeated_login_releases_no_failed_attempt_of_others(app: CoreHarness) -> None:
    await app.request_otp(a_phone(2))
    await app.verify_otp(wrong_code(app.last_code), a_phone(2))
    request_id = (await app.request_otp()).request_id
    for _ in range(3):
        result = await app.verify_otp(app.last_code, request_id=request_id)
        assert isinstance(result, LoggedIn)

    assert app.database.permits["total:attempts:failures"] == 1


async def test_after_a_kill_between_update_and_release_the_permits_expire(
    app: CoreHarness,
) -> None:
    await app.request_otp()
    app.faults.fail_on("limit_store.release", kill=True)
    with pytest.raises(ProcessKilled):
        await app.verify_otp(app.last_code)
    app.faults.reset()
    assert unverified(app) == 1
    assert deliveries(app)[0].permits is None

    app.advance(hours=2)
    await app.operations.cleanup()
    assert unverified(app) == 0


async def test_a_rejected_delivery_releases_its_permits_once(app: CoreHarness) -> None:
    app.messenger.result = REJECTED
    with pytest.raises(DeliveryFailed):
        await app.request_otp()
    [delivery] = deliveries(app)
    assert (delivery.is_rejected, delivery.permits, unverified(app)) == (True, None, 0)
    # Those of its network and its number range stay.
    assert app.database.permits[f"total:{UNVERIFIED}:strangers"] == 0
    assert sum(UNVERIFIED in name for name in app.database.permits) == 2


async def test_the_provider_that_took_it_is_kept_with_a_second_write_if_it_was_not_the_first() -> (
    None
):
    policy = make_core_policy(sms_provider="first", webhook_urls=WEBHOOK_URLS)
    app = CoreHarness(policy=policy)
    for number, provider in enumerate(("first", "second"), start=1):
        app.messenger.result = replace(ACCEPTED, provider=provider)
        app.faults.reset()
        await app.request_otp(a_phone(number))
        [delivery] = app.database.phone_verifications[a_phone(number)].value.deliveries
        assert delivery.provider == provider
        assert app.faults.calls.count("phone_verifications.save") == number
