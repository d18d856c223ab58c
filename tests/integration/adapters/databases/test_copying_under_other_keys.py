"""Copies under other keys: phones, blocks, and interruptions."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.databases.records import copying
from adapters.databases.records.copying import Copying, begin, finish
from adapters.databases.records.key_change import KeyChange
from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.databases.records.phone_keys import ReportProgress, report_nothing
from application.ports.errors import ConfigurationError
from application.ports.versioned import Versioned
from domain.otp.phone_verification import PhoneVerification
from tests.integration.adapters.databases.test_copying import Place, sqlite_place
from tests.integration.adapters.databases.test_phone_keys import (
    BLOCKED,
    BLOCKED_OWNER,
    CHANGING,
    FIRST,
    NEW_PHONE,
    OF_CHANGE,
    OLD,
    OLD_PHONE,
    OWNED,
    OWNER,
    SECOND,
    STRANGER,
    encryption,
    fill_repositories,
)
from tests.support.builders import NOW, an_id, an_identity
from tests.support.repositories import open_sqlite_repositories

NEW: Final = encryption(b"n", SECOND)
LATER: Final = NOW + timedelta(days=1)


@pytest.fixture
async def source(tmp_path: Path) -> Place:
    place = sqlite_place(tmp_path / "source.db")
    async with open_sqlite_repositories(place.place, OLD) as repositories:
        await fill_repositories(repositories)
    return place


@pytest.fixture
def target(tmp_path: Path) -> Place:
    return sqlite_place(tmp_path / "target.db")


async def copy_under_keys(
    source: Place,
    target: Place,
    new: PhoneEncryption = NEW,
    report: ReportProgress = report_nothing,
    *,
    old: PhoneEncryption = OLD,
) -> Mapping[str, int]:
    async with (
        source.open(OLD.key_fingerprint()) as opened,
        target.open(new.key_fingerprint()) as filled,
    ):
        is_continued = await begin(opened, filled, LATER, "a copy")
        change = KeyChange(opened.records, old, new)
        copying_records = Copying(opened, filled, report, change)
        await copying_records.add_records(is_continued=is_continued)
        counts = await copying_records.compare_records()
        await finish(opened, filled, LATER)
        return counts


async def assert_copied(target: Place) -> None:
    kept = replace(OWNED, trusted_ips=())
    async with open_sqlite_repositories(target.place, NEW) as repositories:
        identities, verifications = repositories.identities, repositories.phone_verifications
        assert await identities.load(an_id(1)) == Versioned(an_identity(phone=OWNER), 1)
        assert await identities.load(CHANGING.id) == Versioned(CHANGING, 1)
        phones = [OWNER, BLOCKED_OWNER, BLOCKED, STRANGER, NEW_PHONE, OLD_PHONE]
        assert [(await verifications.load(phone)).value for phone in phones] == [
            kept,
            replace(kept, identity_id=an_id(2), blocked_at=NOW),
            PhoneVerification(blocked_at=NOW),
            PhoneVerification(),
            replace(OF_CHANGE, trusted_ips=()),
            replace(OF_CHANGE, trusted_ips=()),
        ]
        # Hashes of client IPs, phones and number ranges are gone.
        assert await repositories.stores.limits.delete_expired(LATER, 20) == 0
        assert await verifications.delete_expired(LATER, 10) == 0


async def test_an_interrupted_copy_under_other_keys_is_continued_with_these_only(
    source: Place, target: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BATCH_SIZE", 1)

    def report(label: str, done: int, _: int | None) -> None:
        if (label, done) == ("identities: copied", 2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await copy_under_keys(source, target, report=report)
    for other in (OLD, encryption(b"z", SECOND)):
        with pytest.raises(ConfigurationError, match="was written with other keys"):
            await copy_under_keys(source, target, other)
    # The key of the index is the same, and that of the numbers is not.
    with pytest.raises(ConfigurationError, match=r"differ: .* key, 0000000b, is missing"):
        await copy_under_keys(source, target, encryption(b"n", FIRST))

    counts = await copy_under_keys(source, target)

    assert (counts["phone_verifications"], counts["identities"]) == (5, 3)
    await assert_copied(target)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM phone_verifications WHERE id = '{blocked}'", "was not copied"),
        (
            "UPDATE phone_verifications SET body = json_remove(body, '$.blocked_at')"
            " WHERE id = '{blocked}'",
            "has other fields",
        ),
    ],
)
async def test_a_block_that_is_missing_under_other_keys_is_a_difference(
    source: Place, target: Place, statement: str, problem: str
) -> None:
    def change_target(label: str, *_: Any) -> None:
        if label.endswith("copied"):
            with closing(sqlite3.connect(target.place)) as connection, connection:
                connection.execute(statement.format(blocked=NEW.blind_index(BLOCKED)))

    with pytest.raises(
        ConfigurationError, match=rf"phone_verifications of .* differ: .* {problem}"
    ):
        await copy_under_keys(source, target, report=change_target)


async def test_a_phone_that_cannot_be_decrypted_is_an_error_that_names_the_database(
    source: Place, target: Place
) -> None:
    with pytest.raises(ConfigurationError, match=r"source\.db cannot be copied: .* is missing"):
        await copy_under_keys(source, target, old=encryption(b"o", SECOND))
