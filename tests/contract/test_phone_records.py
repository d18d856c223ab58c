import asyncio
from datetime import timedelta

import pytest

from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.otp.attempts import IpAttempt, UnboundAttempts
from domain.otp.phone_verification import PhoneVerification, TrustedIp
from tests.contract.conftest import OpenRecords
from tests.support.builders import (
    CLIENT_IP,
    NOW,
    a_challenge,
    a_delivery,
    a_phone,
    a_phone_verification,
    an_id,
)

DAY = timedelta(days=1)
OWNED = PhoneVerification(identity_id=an_id())


async def test_a_phone_without_a_record_has_an_empty_one_at_version_0(
    records: Repositories,
) -> None:
    assert await records.phone_verifications.load(a_phone()) == Versioned(PhoneVerification(), 0)


async def test_a_record_comes_back_as_it_was_saved(records: Repositories) -> None:
    record = PhoneVerification(
        challenges=(a_challenge(used_at=NOW), a_challenge(id=an_id(2), nonce=b"\0\xff" * 8)),
        deliveries=(
            a_delivery(uses_trusted_ip_quota=True, attempts_used=3),
            a_delivery(request_id="another", sent_at=NOW + DAY),
        ),
        unbound_attempts=UnboundAttempts((IpAttempt(CLIENT_IP, NOW),), (NOW, NOW + DAY)),
        trusted_ips=(TrustedIp("2001:db8::/64", NOW),),
        identity_id=an_id(3),
        blocked_at=NOW + DAY,
    )

    assert await records.phone_verifications.replace(a_phone(), record, 0)

    assert (await records.phone_verifications.load(a_phone())).value == record


async def test_version_0_saves_a_record_only_if_there_is_none(records: Repositories) -> None:
    await records.phone_verifications.replace(a_phone(), OWNED, 0)

    assert not await records.phone_verifications.replace(a_phone(), a_phone_verification(), 0)
    assert (await records.phone_verifications.load(a_phone())).value == OWNED


async def test_a_record_is_replaced_under_the_version_that_was_loaded(
    records: Repositories,
) -> None:
    await records.phone_verifications.replace(a_phone(), a_phone_verification(), 0)
    loaded = await records.phone_verifications.load(a_phone())

    assert await records.phone_verifications.replace(a_phone(), OWNED, loaded.version)

    after = await records.phone_verifications.load(a_phone())
    assert after.value == OWNED
    assert after.version != loaded.version


async def test_a_version_is_good_for_one_replacement(records: Repositories) -> None:
    await records.phone_verifications.replace(a_phone(), a_phone_verification(), 0)
    loaded = await records.phone_verifications.load(a_phone())
    await records.phone_verifications.replace(a_phone(), OWNED, loaded.version)

    assert not await records.phone_verifications.replace(
        a_phone(), PhoneVerification(), loaded.version
    )
    assert (await records.phone_verifications.load(a_phone())).value == OWNED


async def test_a_record_that_is_not_there_has_no_version_but_0(records: Repositories) -> None:
    assert not await records.phone_verifications.replace(a_phone(), OWNED, 1)
    assert (await records.phone_verifications.load(a_phone())).version == 0


async def test_every_phone_has_a_record_of_its_own(records: Repositories) -> None:
    await records.phone_verifications.replace(a_phone(1), OWNED, 0)

    assert await records.phone_verifications.load(a_phone(2)) == Versioned(PhoneVerification(), 0)


@pytest.mark.parametrize("had_one", [False, True])
async def test_of_fifty_replacements_of_one_version_one_wins(
    records: Repositories, records_elsewhere: Repositories, had_one: bool
) -> None:
    if had_one:
        await records.phone_verifications.replace(a_phone(), a_phone_verification(), 0)
    version = (await records.phone_verifications.load(a_phone())).version
    contenders = [PhoneVerification(identity_id=an_id(number)) for number in range(50)]

    won = await asyncio.gather(
        *(
            (records, records_elsewhere)[number % 2].phone_verifications.replace(
                a_phone(), one, version
            )
            for number, one in enumerate(contenders)
        )
    )

    assert won.count(True) == 1
    assert (await records.phone_verifications.load(a_phone())).value == contenders[won.index(True)]


async def test_what_was_saved_is_read_at_once_by_everybody(
    records: Repositories, records_elsewhere: Repositories
) -> None:
    for number in range(20):
        record = PhoneVerification(identity_id=an_id(number))
        version = (await records.phone_verifications.load(a_phone())).version
        await records.phone_verifications.replace(a_phone(), record, version)

        assert (await records_elsewhere.phone_verifications.load(a_phone())).value == record


async def test_a_saved_record_outlives_the_process_that_saved_it(open_records: OpenRecords) -> None:
    async with open_records() as records:
        await records.phone_verifications.replace(a_phone(), OWNED, 0)

    async with open_records() as records:
        assert (await records.phone_verifications.load(a_phone())).value == OWNED


async def test_a_record_is_dropped_when_it_lapses_and_not_before(records: Repositories) -> None:
    record = a_phone_verification()
    lapses_at = record.expires_at
    assert lapses_at is not None
    await records.phone_verifications.replace(a_phone(), record, 0)

    assert (
        await records.phone_verifications.delete_expired(lapses_at - timedelta(milliseconds=1), 10)
        == 0
    )
    assert (await records.phone_verifications.load(a_phone())).value == record
    assert await records.phone_verifications.delete_expired(lapses_at, 10) == 1
    assert await records.phone_verifications.load(a_phone()) == Versioned(PhoneVerification(), 0)


async def test_a_record_that_became_empty_has_lapsed(records: Repositories) -> None:
    await records.phone_verifications.replace(a_phone(), PhoneVerification(), 0)

    assert await records.phone_verifications.delete_expired(NOW, 10) == 1


async def test_a_record_that_names_an_identity_never_lapses(records: Repositories) -> None:
    await records.phone_verifications.replace(
        a_phone(), a_phone_verification(identity_id=an_id()), 0
    )

    assert await records.phone_verifications.delete_expired(NOW + 10_000 * DAY, 10) == 0


async def test_a_blocked_record_never_lapses(records: Repositories) -> None:
    blocked = a_phone_verification().block(NOW)
    await records.phone_verifications.replace(a_phone(), blocked, 0)

    assert await records.phone_verifications.delete_expired(NOW + 10_000 * DAY, 10) == 0
    assert (await records.phone_verifications.load(a_phone())).value == blocked


async def test_a_record_lapses_again_when_it_is_unblocked(records: Repositories) -> None:
    blocked = a_phone_verification().block(NOW)
    await records.phone_verifications.replace(a_phone(), blocked, 0)
    version = (await records.phone_verifications.load(a_phone())).version
    await records.phone_verifications.replace(a_phone(), blocked.unblock(), version)

    assert (await records.phone_verifications.load(a_phone())).value == a_phone_verification()
    assert await records.phone_verifications.delete_expired(NOW + 2 * DAY, 10) == 1


async def test_what_counts_is_when_the_latest_replacement_lapses(records: Repositories) -> None:
    await records.phone_verifications.replace(a_phone(), OWNED, 0)
    version = (await records.phone_verifications.load(a_phone())).version
    await records.phone_verifications.replace(a_phone(), a_phone_verification(), version)

    assert await records.phone_verifications.delete_expired(NOW + 2 * DAY, 10) == 1


async def test_no_more_records_are_dropped_than_asked_for(records: Repositories) -> None:
    for number in range(5):
        await records.phone_verifications.replace(a_phone(number), a_phone_verification(), 0)

    dropped = [await records.phone_verifications.delete_expired(NOW + 2 * DAY, 2) for _ in range(4)]

    assert dropped == [2, 2, 1, 0]


async def test_a_record_loaded_before_it_was_dropped_cannot_replace_its_successor(
    records: Repositories,
) -> None:
    await records.phone_verifications.replace(a_phone(), a_phone_verification(), 0)
    loaded = await records.phone_verifications.load(a_phone())
    await records.phone_verifications.delete_expired(NOW + 2 * DAY, 1)
    await records.phone_verifications.replace(a_phone(), OWNED, 0)

    assert not await records.phone_verifications.replace(
        a_phone(), PhoneVerification(), loaded.version
    )
    assert (await records.phone_verifications.load(a_phone())).value == OWNED
