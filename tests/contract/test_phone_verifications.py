from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.databases.records.database import Database
from adapters.databases.records.kinds import PHONE_VERIFICATIONS
from application.ports.otp import PhoneVerifications
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.otp.challenge import OTP_TTL, Client, ClientKind, MessageChallenges
from domain.otp.delivery import Deliveries
from domain.otp.phone_verification import PhoneVerification, TrustedIp
from tests.contract.conftest import IN_MEMORY_FIRST
from tests.support.builders import (
    NOW,
    a_challenge,
    a_delivery,
    a_hashed_ip,
    a_phone,
    a_phone_verification,
    an_id,
)
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.full_records import FULL_VERIFICATION

pytestmark = IN_MEMORY_FIRST

MILLISECOND = timedelta(milliseconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
OWNED = PhoneVerification(identity_id=an_id())


@pytest.fixture
def verifications(repositories: Repositories) -> PhoneVerifications:
    return repositories.phone_verifications


async def test_a_verification_is_saved_with_its_version_for_its_phone_only(
    verifications: PhoneVerifications,
) -> None:
    empty = Versioned(PhoneVerification(), 0)
    assert await verifications.load(a_phone()) == empty
    assert not await verifications.save(a_phone(), OWNED, 1)
    assert await verifications.save(a_phone(), FULL_VERIFICATION, 0)
    first = await verifications.load(a_phone())
    assert first.value == FULL_VERIFICATION
    assert await verifications.load(a_phone(2)) == empty

    assert await verifications.save(a_phone(), OWNED, first.version)
    for outdated in (0, first.version):
        assert not await verifications.save(a_phone(), PhoneVerification(), outdated)
    assert await verifications.load(a_phone()) == Versioned(OWNED, first.version + 1)


KEPT = a_phone_verification(
    identity_id=an_id(),
    challenges=MessageChallenges(
        (a_challenge().count(Client(ClientKind.NETWORK, "a hash"), "a digest", NOW),)
    ),
    deliveries=Deliveries((a_delivery(),)),
    trusted_ips=(TrustedIp("a hash", NOW),),
)


async def test_expired_client_ips_are_removed_from_a_verification_that_is_kept(
    verifications: PhoneVerifications,
) -> None:
    await verifications.save(a_phone(), KEPT, 0)
    await verifications.save(a_phone(2), KEPT.block(NOW), 0)

    for age, kept in (
        (
            OTP_TTL,
            replace(KEPT, challenges=MessageChallenges()),
        ),
        (DAY, PhoneVerification(trusted_ips=KEPT.trusted_ips, identity_id=KEPT.identity_id)),
        (90 * DAY, PhoneVerification(identity_id=KEPT.identity_id)),
    ):
        while await verifications.prune(NOW + age - MILLISECOND, 10):
            pass
        before = await verifications.load(a_phone())
        pruned = [await verifications.prune(NOW + age, 1) for _ in range(3)]

        assert before.value.client_ips_expire_at == NOW + age
        assert pruned == [1, 1, 0], age
        assert (await verifications.load(a_phone())).value == kept
        assert (await verifications.load(a_phone(2))).value == kept.block(NOW)
        assert not await verifications.save(a_phone(), KEPT, before.version)


async def test_the_phone_of_a_verification_is_stored_while_it_is_blocked(
    database: Database, verifications: PhoneVerifications
) -> None:
    kept = KEPT.block(NOW)

    async def stored_phone() -> bytes | None:
        phone_index = FakePhoneEncryption().blind_index(a_phone())
        [stored] = (await database.records.load(PHONE_VERIFICATIONS, [phone_index])).values()
        return stored.record.encrypted_phone

    async def replace_by(verification: PhoneVerification) -> None:
        version = (await verifications.load(a_phone())).version
        assert await verifications.save(a_phone(), verification, version)

    await replace_by(KEPT)
    assert await stored_phone() is None
    await replace_by(kept)
    encrypted = await stored_phone()
    assert encrypted is not None

    # It is encrypted once: each time would use up the key (NIST SP 800-38D, 8.3).
    await replace_by(kept.trust_ip(a_hashed_ip(), NOW))
    assert await verifications.prune(NOW + HOUR, 9) == 1
    assert await stored_phone() == encrypted

    await replace_by(KEPT)
    assert await stored_phone() is None
