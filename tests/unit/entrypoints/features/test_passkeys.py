"""For which domain passkeys of users are, and on which pages they are valid."""

from typing import Final

import pytest

from domain.identities.passkey import Passkey
from entrypoints.features.passkeys import PASSKEYS, PasskeySettings
from entrypoints.settings.settings import Settings
from tests.support.app_harness import AppHarness
from tests.support.builders import NOW
from tests.support.settings import settings

KEY_HASH: Final = "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"


def of(read: Settings) -> tuple[str | None, list[str]]:
    passkeys = read.of(PasskeySettings)
    return passkeys.passkey_domain, [*passkeys.all_passkey_origins]


def test_in_development_they_are_those_of_localhost() -> None:
    assert of(settings()) == ("localhost", ["http://localhost:8000"])
    local = settings(BIND="127.0.0.1:8001", WEB_ORIGINS="http://localhost:5173")
    assert of(local) == ("localhost", ["http://localhost:8001", "http://localhost:5173"])


@pytest.mark.parametrize("domain", ["auth.example.org", "app.example.org", "example.org"])
def test_they_are_for_the_domain_and_valid_on_secure_web_apps(domain: str) -> None:
    read = settings(
        PUBLIC_URL="https://auth.example.org",
        WEB_ORIGINS="https://app.example.org,http://127.0.0.1:3000,http://localhost:3000",
        PASSKEY_DOMAIN=domain,
        PASSKEY_ORIGINS=KEY_HASH,
    )
    assert of(read) == (
        domain,
        [f"https://{domain}", "https://app.example.org", "http://localhost:3000", KEY_HASH],
    )


async def test_the_passkeys_that_another_domain_loses_are_counted() -> None:
    app = AppHarness()
    check = PASSKEYS.records_check(settings())
    assert await check(app.database.stores.records) == ""
    principal = await app.add_user()
    identities = app.use_cases.repositories.identities
    for number in range(2):
        loaded = await identities.load(principal.identity.id)
        assert loaded is not None
        passkey = Passkey(
            credential_id=bytes([number]),
            public_key=b"key",
            sign_count=0,
            name=str(number),
            created_at=NOW,
        )
        assert await identities.replace(loaded.value.add_passkey(passkey), loaded.version)
    note = await check(app.database.stores.records)
    assert note.startswith("Passkeys of users: 2, for localhost now.")
