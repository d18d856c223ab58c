import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.otp.attempt_counters import AttemptCounter, CounterKind
from domain.otp.challenge import OTP_TTL, Login
from domain.otp.delivery import Channel
from domain.otp.failures import DeviceFailures, Failures
from domain.otp.phone_verification import PhoneVerification, TrustedIp
from tests.contract.conftest import OpenRepositories
from tests.support.builders import (
    NOW,
    a_callback,
    a_challenge,
    a_delivery,
    a_hashed_ip,
    a_phone,
    a_phone_verification,
    an_id,
)

MILLISECOND = timedelta(milliseconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
OWNED = PhoneVerification(identity_id=an_id())


async def test_a_new_phone_has_an_empty_verification_at_version_0(
    repositories: Repositories,
) -> None:
    assert await repositories.phone_verifications.load(a_phone()) == Versioned(
        PhoneVerification(), 0
    )


async def test_a_saved_verification_is_loaded_unchanged(repositories: Repositories) -> None:
    verification = PhoneVerification(
        challenges=(
            a_challenge(used_at=NOW, login=Login(an_id(5), an_id(6), "a request")),
            a_challenge(id=an_id(2), nonce=b"\0\xff" * 8),
            a_challenge(id=an_id(3), used_at=NOW, login=Login(an_id(5), an_id(7))),
        ),
        deliveries=(
            a_delivery(
                attempt_limit=2,
                device_id="a device",
                uses_own_quota=True,
                counters=tuple(
                    AttemptCounter(kind, f"id of {kind}", 5, 3, "a digest", NOW)
                    for kind in CounterKind
                ),
            ),
            a_delivery(request_id="by IPv6", client_ip=a_hashed_ip("2001:db8:1:2::/64")),
            a_delivery(
                request_id="a call", sent_at=NOW + DAY, channel=Channel.VOICE, call_id=an_id(4)
            ),
        ),
        shared_attempts=(NOW, NOW + DAY),
        failures=Failures(7, NOW, (DeviceFailures("a device", 3, NOW),)),
        trusted_ips=(TrustedIp("another hash", NOW),),
        identity_id=an_id(3),
        blocked_at=NOW + DAY,
        callbacks=(
            a_callback(),
            a_callback(
                challenge=a_challenge(used_at=NOW, login=Login(an_id(5), an_id(6))),
                requested_at=NOW + HOUR,
                call_id=an_id(7),
                counter=AttemptCounter(CounterKind.CALLBACK, an_id(7), 5, 3, "a digest", NOW),
            ),
        ),
    )

    assert await repositories.phone_verifications.replace(a_phone(), verification, 0)

    assert (await repositories.phone_verifications.load(a_phone())).value == verification


async def test_version_0_saves_only_a_new_verification(repositories: Repositories) -> None:
    await repositories.phone_verifications.replace(a_phone(), OWNED, 0)

    assert not await repositories.phone_verifications.replace(a_phone(), a_phone_verification(), 0)
    assert (await repositories.phone_verifications.load(a_phone())).value == OWNED


async def test_a_verification_is_replaced_with_its_loaded_version(
    repositories: Repositories,
) -> None:
    await repositories.phone_verifications.replace(a_phone(), a_phone_verification(), 0)
    loaded = await repositories.phone_verifications.load(a_phone())

    assert await repositories.phone_verifications.replace(a_phone(), OWNED, loaded.version)

    replaced = await repositories.phone_verifications.load(a_phone())
    assert replaced.value == OWNED
    assert replaced.version != loaded.version


async def test_a_version_allows_one_replacement(repositories: Repositories) -> None:
    await repositories.phone_verifications.replace(a_phone(), a_phone_verification(), 0)
    loaded = await repositories.phone_verifications.load(a_phone())
    await repositories.phone_verifications.replace(a_phone(), OWNED, loaded.version)

    assert not await repositories.phone_verifications.replace(
        a_phone(), PhoneVerification(), loaded.version
    )
    assert (await repositories.phone_verifications.load(a_phone())).value == OWNED


async def test_a_missing_verification_has_only_version_0(repositories: Repositories) -> None:
    assert not await repositories.phone_verifications.replace(a_phone(), OWNED, 1)
    assert (await repositories.phone_verifications.load(a_phone())).version == 0


async def test_each_phone_has_its_own_verification(repositories: Repositories) -> None:
    await repositories.phone_verifications.replace(a_phone(1), OWNED, 0)

    assert await repositories.phone_verifications.load(a_phone(2)) == Versioned(
        PhoneVerification(), 0
    )


@pytest.mark.parametrize("exists", [False, True])
async def test_one_of_fifty_parallel_replacements_wins(
    repositories: Repositories, other_repositories: Repositories, exists: bool
) -> None:
    if exists:
        await repositories.phone_verifications.replace(a_phone(), a_phone_verification(), 0)
    version = (await repositories.phone_verifications.load(a_phone())).version
    verifications = [PhoneVerification(identity_id=an_id(number)) for number in range(50)]

    won = await asyncio.gather(
        *(
            (repositories, other_repositories)[number % 2].phone_verifications.replace(
                a_phone(), verification, version
            )
            for number, verification in enumerate(verifications)
        )
    )

    assert won.count(True) == 1
    assert (await repositories.phone_verifications.load(a_phone())).value == verifications[
        won.index(True)
    ]


async def test_a_saved_verification_is_visible_to_other_instances_at_once(
    repositories: Repositories, other_repositories: Repositories
) -> None:
    for number in range(20):
        verification = PhoneVerification(identity_id=an_id(number))
        version = (await repositories.phone_verifications.load(a_phone())).version
        await repositories.phone_verifications.replace(a_phone(), verification, version)

        assert (await other_repositories.phone_verifications.load(a_phone())).value == verification


async def test_a_saved_verification_survives_a_restart(open_repositories: OpenRepositories) -> None:
    async with open_repositories() as repositories:
        await repositories.phone_verifications.replace(a_phone(), OWNED, 0)

    async with open_repositories() as repositories:
        assert (await repositories.phone_verifications.load(a_phone())).value == OWNED


async def test_a_verification_is_deleted_when_it_expires_and_not_before(
    repositories: Repositories,
) -> None:
    verification = a_phone_verification()
    expires_at = verification.expires_at
    assert expires_at is not None
    await repositories.phone_verifications.replace(a_phone(), verification, 0)

    assert (
        await repositories.phone_verifications.delete_expired(
            expires_at - timedelta(milliseconds=1), 10
        )
        == 0
    )
    assert (await repositories.phone_verifications.load(a_phone())).value == verification
    assert await repositories.phone_verifications.delete_expired(expires_at, 10) == 1
    assert await repositories.phone_verifications.load(a_phone()) == Versioned(
        PhoneVerification(), 0
    )


async def test_an_empty_verification_has_expired(repositories: Repositories) -> None:
    await repositories.phone_verifications.replace(a_phone(), PhoneVerification(), 0)

    assert await repositories.phone_verifications.delete_expired(NOW, 10) == 1


async def test_a_verification_with_an_identity_never_expires(repositories: Repositories) -> None:
    await repositories.phone_verifications.replace(
        a_phone(), a_phone_verification(identity_id=an_id()), 0
    )

    assert await repositories.phone_verifications.delete_expired(NOW + 10_000 * DAY, 10) == 0


async def test_a_blocked_verification_never_expires(repositories: Repositories) -> None:
    blocked = a_phone_verification().block(NOW)
    await repositories.phone_verifications.replace(a_phone(), blocked, 0)

    assert await repositories.phone_verifications.delete_expired(NOW + 10_000 * DAY, 10) == 0
    assert (await repositories.phone_verifications.load(a_phone())).value == blocked


async def test_an_unblocked_verification_expires_again(repositories: Repositories) -> None:
    blocked = a_phone_verification().block(NOW)
    await repositories.phone_verifications.replace(a_phone(), blocked, 0)
    version = (await repositories.phone_verifications.load(a_phone())).version
    await repositories.phone_verifications.replace(a_phone(), blocked.unblock(), version)

    assert (await repositories.phone_verifications.load(a_phone())).value == a_phone_verification()
    assert await repositories.phone_verifications.delete_expired(NOW + 2 * DAY, 10) == 1


async def test_a_replacement_changes_the_expiry(repositories: Repositories) -> None:
    await repositories.phone_verifications.replace(a_phone(), OWNED, 0)
    version = (await repositories.phone_verifications.load(a_phone())).version
    await repositories.phone_verifications.replace(a_phone(), a_phone_verification(), version)

    assert await repositories.phone_verifications.delete_expired(NOW + 2 * DAY, 10) == 1


async def test_no_more_than_the_limit_are_deleted(repositories: Repositories) -> None:
    for number in range(5):
        await repositories.phone_verifications.replace(a_phone(number), a_phone_verification(), 0)

    deleted = [
        await repositories.phone_verifications.delete_expired(NOW + 2 * DAY, 2) for _ in range(4)
    ]

    assert deleted == [2, 2, 1, 0]


KEPT = a_phone_verification(
    identity_id=an_id(),
    deliveries=(a_delivery(counters=(AttemptCounter(CounterKind.UNKNOWN_IP, "a hash", 5),)),),
    shared_attempts=(NOW,),
    trusted_ips=(TrustedIp("a hash", NOW),),
    callbacks=(a_callback(),),
)


@pytest.mark.parametrize(
    ("age", "kept"),
    [
        (OTP_TTL, replace(KEPT, challenges=(), deliveries=(a_delivery(),))),
        (DAY, PhoneVerification(trusted_ips=KEPT.trusted_ips, identity_id=KEPT.identity_id)),
        (90 * DAY, PhoneVerification(identity_id=KEPT.identity_id)),
    ],
    ids=["attempt", "delivery", "login"],
)
@pytest.mark.parametrize("blocked_at", [None, NOW], ids=["not-blocked", "blocked"])
async def test_expired_client_ips_are_removed_from_a_verification_that_is_kept(
    repositories: Repositories,
    age: timedelta,
    kept: PhoneVerification,
    blocked_at: datetime | None,
) -> None:
    verifications = repositories.phone_verifications
    await verifications.replace(a_phone(), replace(KEPT, blocked_at=blocked_at), 0)

    while await verifications.prune(NOW + age - MILLISECOND, 10):
        pass
    before = (await verifications.load(a_phone())).value
    pruned = [await verifications.prune(NOW + age, 10) for _ in range(2)]

    assert before.client_ips_expire_at == NOW + age
    assert pruned == [1, 0]
    assert (await verifications.load(a_phone())).value == replace(kept, blocked_at=blocked_at)


async def test_no_more_than_the_limit_are_pruned(repositories: Repositories) -> None:
    for number in range(5):
        await repositories.phone_verifications.replace(a_phone(number), KEPT, 0)

    pruned = [await repositories.phone_verifications.prune(NOW + HOUR, 2) for _ in range(4)]

    assert pruned == [2, 2, 1, 0]


async def test_a_version_from_before_the_pruning_is_outdated(repositories: Repositories) -> None:
    await repositories.phone_verifications.replace(a_phone(), KEPT, 0)
    loaded = await repositories.phone_verifications.load(a_phone())
    await repositories.phone_verifications.prune(NOW + HOUR, 1)

    assert not await repositories.phone_verifications.replace(a_phone(), KEPT, loaded.version)


async def test_a_version_from_before_a_deletion_is_outdated(
    repositories: Repositories,
) -> None:
    await repositories.phone_verifications.replace(a_phone(), a_phone_verification(), 0)
    loaded = await repositories.phone_verifications.load(a_phone())
    await repositories.phone_verifications.delete_expired(NOW + 2 * DAY, 1)
    await repositories.phone_verifications.replace(a_phone(), OWNED, 0)

    assert not await repositories.phone_verifications.replace(
        a_phone(), PhoneVerification(), loaded.version
    )
    assert (await repositories.phone_verifications.load(a_phone())).value == OWNED
