"""What an extension may do in the process, and what its failures leave of the rest."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final

import msgspec
import pytest

from adapters.records.kinds import IDENTITIES
from adapters.records.record_kind import EXPIRES_AT, Record, RecordKind, index_by_time
from application.administration.export_part import MissingFiles
from application.otp.feature import OtpFeature
from application.ports.errors import ConfigurationError, ExtensionFailed, StorageUnavailable
from domain.errors import TooLong
from entrypoints.extensions.opening import ExtensionOpening
from tests.support.builders import NOW, a_phone
from tests.support.core_harness import CoreHarness

OTHER_PHONE: Final = a_phone(2)


class Note(Record, kw_only=True):
    id: str
    text: str = ""
    tags: list[str] = msgspec.field(default_factory=list)
    expires_at: datetime | None = None


NOTES: Final = RecordKind(
    "x_acme_notes", Note, index_by_time("x_acme_notes_expires_at", EXPIRES_AT)
)
OTHERS: Final = RecordKind("x_acme_others", Note)


@pytest.fixture
def app() -> CoreHarness:
    return CoreHarness()


@pytest.fixture
def opening(app: CoreHarness) -> ExtensionOpening:
    core: Any = SimpleNamespace(
        system=app.use_cases.system,
        use_cases=app.use_cases,
        database=app.database.stores,
        settings=None,
        is_service=True,
    )
    return ExtensionOpening(core, "acme", (NOTES,), None)


async def fail(*_: object) -> int:
    raise ValueError("+14155552671")


def test_nothing_is_replaced_or_seen_that_is_not_its_own(opening: ExtensionOpening) -> None:
    kinds: list[RecordKind[Any]] = [IDENTITIES, OTHERS]
    for kind in kinds:
        with pytest.raises(ConfigurationError, match="is not one of its kinds of records"):
            opening.records_of(kind)
    with pytest.raises(ConfigurationError, match="OtpFeature cannot be its use cases"):
        opening.add_use_cases(object.__new__(OtpFeature))
    with pytest.raises(ConfigurationError, match="not its class of settings"):
        opening.settings_of(dict)


async def test_a_user_is_shown_without_the_phone(
    opening: ExtensionOpening, app: CoreHarness
) -> None:
    user = await app.add_user()
    shown = await opening.users.load(user.identity.id)
    assert shown is not None
    assert (shown.id, shown.username, shown.is_blocked) == (user.identity.id, "Rahul Sharma", False)
    assert a_phone().e164 not in repr(shown)
    await app.identities.delete_user(user)
    assert await opening.users.load(user.identity.id) is None


async def test_records_are_changed_in_place_deleted_and_expire(
    opening: ExtensionOpening, app: CoreHarness
) -> None:
    notes = opening.records_of(NOTES)

    def append(note: Note | None) -> Note:
        note = note or Note(id="1", expires_at=NOW + timedelta(days=400))
        note.tags.append("a")
        return note

    await notes.change("1", append)
    await notes.change("1", append)
    changed = await notes.load("1")
    assert changed is not None
    assert changed.tags == ["a", "a"]
    with pytest.raises(ValueError, match="another id"):
        await notes.change("1", lambda _: Note(id="2"))
    assert not await notes.add(Note(id="1"))
    (by_time,) = NOTES.indexes
    for limit, found in {-1: 0, 0: 0, 10: 1, 10**30: 1}.items():
        assert len(await notes.scan("", limit)) == found
        assert len(await notes.find(by_time, limit=limit)) == found
        assert await notes.count(by_time, limit=limit) == found
    assert await notes.delete("1")
    assert not await notes.delete("1")
    with pytest.raises(TooLong):
        await notes.add(Note(id="1" * 201))
    await notes.add(Note(id="2", expires_at=app.clock.now()))
    assert (await app.operations.cleanup())["expired_x_acme_notes"] == 1


async def test_what_is_left_of_a_deleted_user_is_deleted_until_it_succeeds(
    opening: ExtensionOpening, app: CoreHarness
) -> None:
    errors: list[Exception] = [ValueError(), ValueError(), StorageUnavailable("away")]
    forgotten = []

    async def forget(user_id: str) -> None:
        if errors:
            raise errors.pop()
        forgotten.append(user_id)

    opening.on_user_deletion(forget)
    user = await app.add_user()

    await app.identities.delete_user(user)  # the database of the extension is away
    assert (await app.operations.cleanup())["purged_identities"] == 0
    assert app.database.identities[user.identity.id].value.phone == a_phone()
    assert (await app.operations.cleanup())["purged_identities"] == 0
    assert (await app.operations.cleanup())["purged_identities"] == 1
    assert forgotten == [user.identity.id]


async def test_a_step_that_fails_stops_no_other_step(
    opening: ExtensionOpening, app: CoreHarness
) -> None:
    remaining = [3, 5]

    async def delete_old(now: datetime) -> int:
        assert now == app.clock.now()
        return remaining.pop() if remaining else 0

    async def clean_none(_: datetime) -> int:
        return None  # type: ignore[return-value]

    async def never_end(_: datetime) -> int:
        return 1

    opening.add_cleanup_step("broken", fail)
    opening.add_cleanup_step("none", clean_none)
    opening.add_cleanup_step("endless", never_end)
    opening.add_cleanup_step("old", delete_old)
    user = await app.add_user()
    await app.identities.delete_user(user)

    report = await app.operations.cleanup()

    assert (report["x_acme_broken"], report["x_acme_none"]) == (0, 0)
    assert (report["x_acme_endless"], report["x_acme_old"]) == (100, 8)
    assert report["purged_identities"] == 1


async def test_files_of_an_export_are_below_its_name_and_explained(
    opening: ExtensionOpening, app: CoreHarness
) -> None:
    async def make_files(user_id: str) -> Mapping[str, object]:
        return {"notes.json": {"of": user_id, "at": NOW}}

    opening.add_export({"notes.json": "your notes"}, make_files)
    identity = (await app.log_in()).identity
    (part,) = app.administration.export_parts
    assert part.explained_files == {"x/acme/notes.json": "your notes"}
    (file,) = [file async for file in part(identity, NOW, MissingFiles())]
    content = b"".join([chunk async for chunk in file.chunks])
    assert (file.name, identity.id.encode() in content) == ("x/acme/notes.json", True)


@pytest.mark.parametrize("content", [{"other.json": 1}, {"notes.json": object()}, None])
async def test_a_part_of_an_export_that_fails_names_the_extension(
    opening: ExtensionOpening, app: CoreHarness, content: Any
) -> None:
    async def make_files(_: str) -> Mapping[str, object]:
        found: Mapping[str, object] = content
        return found

    opening.add_export({"notes.json": "your notes"}, make_files)
    identity, (part,) = (await app.log_in()).identity, app.administration.export_parts
    with pytest.raises(ExtensionFailed, match=r"extension acme: it raised .* in its export"):
        _ = [file async for file in part(identity, NOW, MissingFiles())]
