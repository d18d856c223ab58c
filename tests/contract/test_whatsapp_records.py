from datetime import timedelta

import pytest

from adapters.databases.records.database import Database
from adapters.databases.records.features.whatsapp import (
    WHATSAPP_DELIVERIES,
    make_whatsapp_repositories,
)
from application.features.whatsapp import WhatsAppRepositories
from domain.features.whatsapp import WhatsAppDelivery
from domain.otp.delivery import Channel
from domain.otp.messages import MessagePreferences, Platform
from tests.contract.conftest import IN_MEMORY_FIRST
from tests.support.builders import NOW, a_phone
from tests.support.fakes.phone_encryption import FakePhoneEncryption

pytestmark = IN_MEMORY_FIRST

MINUTE = timedelta(minutes=1)
DELIVERY = WhatsAppDelivery(
    id="0" * 32,
    phone=a_phone(),
    preferences=MessagePreferences(Platform.ANDROID, "pt-BR", "FA+9qCX9VSu"),
    next_channels=(Channel.SMS,),
    expires_at=NOW + 5 * MINUTE,
)


@pytest.fixture
def repositories(database: Database) -> WhatsAppRepositories:
    return make_whatsapp_repositories(database, FakePhoneEncryption())


async def test_a_message_is_kept_encrypted_until_its_code_expires(
    database: Database, repositories: WhatsAppRepositories
) -> None:
    deliveries = repositories.deliveries
    assert await deliveries.add(DELIVERY)
    assert not await deliveries.add(DELIVERY)
    stored = await database.records.load(WHATSAPP_DELIVERIES, [DELIVERY.id])
    assert a_phone().e164 not in repr(stored)
    loaded = await deliveries.load(DELIVERY.id)
    assert loaded is not None
    assert loaded.value == DELIVERY
    assert await deliveries.delete_expired(NOW + 4 * MINUTE, 9) == 0
    assert await deliveries.delete_expired(NOW + 5 * MINUTE, 9) == 1
