"""A copy of a database reveals no phone, no code and no client IP."""

import asyncio
import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Final

from adapters.security.encryption import AesPhoneEncryption
from application.webhook_urls import PhoneLabels
from domain.errors import TooManyOtpRequests
from domain.features.voice.call import CallStatus
from domain.identities.phone_change import PhoneChange
from domain.identities.username import parse_username
from domain.otp.delivery import Channel
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import NOW, a_phone, an_identity
from tests.support.core_harness import WEBHOOK_URLS
from tests.support.fakes.randomness import SeededRandomness
from tests.support.keys import FakeKeyRing
from tests.support.repositories import open_sqlite_repositories

ENCRYPTION: Final = AesPhoneEncryption(
    b"index key of 32 bytes, for tests", FakeKeyRing(("0000000a", b"k" * 32)), SeededRandomness()
)
CLIENT_IPS: Final = ("203.0.113.7", "2001:db8:1:2::/64")
NETWORKS: Final = ("203.0.113.0/24", "2001:db8:1::/48")
USERNAME: Final = "Rahul Sharma"


async def fill(app: AppHarness) -> list[str]:
    """Use all that stores a phone, a code or a client IP; return the codes."""
    phones, codes = [a_phone(number) for number in range(1, 4)], []
    for client_ip in CLIENT_IPS:
        for phone in phones:
            with suppress(TooManyOtpRequests):
                await app.request_otp(phone, client_ip)
                codes.append(app.last_code)
            await app.verify_otp("000000", phone, client_ip)
        app.advance(minutes=20)
    principal = await app.log_in(phones[0])
    await app.identities.create_user(principal, parse_username(USERNAME), phones[0])
    await app.identities.operator_actions.block(phones[1])
    await app.identities.operator_actions.block(a_phone(4))
    app.advance(hours=12)
    await app.request_otp(phones[0], channel=Channel.VOICE)
    (placed,) = app.call_provider.calls.values()
    call_id = placed.url.rpartition("/")[2]
    await app.voice.record_call_status(
        call_id, CallStatus.RINGING, provider_call_id="", labels=PhoneLabels("", "")
    )
    codes.append(await app.code_of_last_call())
    await app.operations.cleanup()
    return codes


def read_all(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_a_copy_reveals_no_phone_no_code_and_no_client_ip(tmp_path: Path) -> None:
    async with open_sqlite_repositories(tmp_path / "records.db", ENCRYPTION) as repositories:
        policy = make_policy(webhook_urls=WEBHOOK_URLS)
        app = AppHarness(repositories=repositories, keyed_hashes=ENCRYPTION, policy=policy)
        codes = await fill(app)
        new, old = a_phone(5), a_phone(6)
        change = PhoneChange(new_phone=new, old_phone=old, started_at=NOW, attempted_at=NOW)
        await repositories.identities.add(an_identity(phone=old, phone_change=change))
        content = await asyncio.to_thread(read_all, tmp_path)

    assert USERNAME.encode() in content
    assert ENCRYPTION.hash_client_ip(CLIENT_IPS[0]).ip.encode() in content
    digits = [a_phone(number).e164.removeprefix("+1") for number in range(1, 7)]
    ips = [*CLIENT_IPS, *NETWORKS, "203.0.113.", "2001:db8"]
    hashed = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in [*ips, *digits]]
    # Six digits may be a part of a hash or of a time.
    secrets = [*digits, *ips, *hashed, *(f'"{code}"' for code in codes)]
    assert len(codes) >= 3
    assert [secret for secret in secrets if secret.encode() in content] == []
