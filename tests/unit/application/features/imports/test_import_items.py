"""Items of another system are imported once, whatever interrupts it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import pytest

from application.features.imports.import_item import Picture, UnreadablePicture
from application.features.imports.item_lines import parse_item_line
from application.features.imports.lines import (
    ImportCounts,
    ImportOutcome,
    ImportProblem,
    ImportRun,
    Line,
    Observer,
    Source,
    check_lines,
)
from application.features.imports.user_lines import ImportedUser
from domain.features.media.item import MediaItem
from domain.identities.external_id import ExternalId
from entrypoints.features.imports import IMPORTS
from tests.support.app_harness import GIF, AppHarness
from tests.support.at_each_operation import Act, Fault, at_each_operation
from tests.support.builders import NOW, a_phone, an_id
from tests.support.images import as_file
from tests.support.imports.builders import IMPORT_RUN
from tests.support.media.stored import stored_items, stored_usages

UPLOADED_AT: Final = NOW - timedelta(days=800)


class FakePictures:
    """A folder in memory."""

    def __init__(self) -> None:
        self.contents = dict[str, bytes]()
        self.opened = list[str]()

    async def open(self, path: str) -> Picture | UnreadablePicture:
        self.opened.append(path)
        content = self.contents.get(path)
        if content is None:
            return UnreadablePicture(ImportProblem.FILE_MISSING)
        return Picture(as_file(content), len(content))


@dataclass
class Import(Observer):
    """A file of items and a folder with their pictures, and what an import of them reports."""

    app: AppHarness
    lines: list[dict[str, str]] = field(default_factory=list)
    pictures: FakePictures = field(default_factory=FakePictures)
    reported: list[tuple[int, str]] = field(default_factory=list)

    async def start(self) -> None:
        """Import the owner of the items."""
        user = ImportedUser(phone=a_phone(1), id=an_id(1))
        await IMPORTS.of(self.app.use_cases).import_user(user, IMPORT_RUN)

    def add(self, number: int = 101, content: bytes = GIF, /, **changes: str) -> None:
        fields = {
            "id": an_id(number),
            "owner": an_id(1),
            "created_at": UPLOADED_AT.isoformat(),
            "category": "pets",
            "file": f"{number}.gif",
        }
        self.lines.append(fields | changes)
        self.pictures.contents.setdefault(f"{number}.gif", content)

    def read(self) -> Iterator[Line]:
        for number, fields in enumerate(self.lines, 1):
            yield Line(number, fields)

    async def run(self, run: ImportRun | None = IMPORT_RUN) -> ImportCounts:
        self.reported.clear()
        checked = await check_lines(Source(self.read, parse_item_line), self)
        import_items = IMPORTS.of(self.app.use_cases).import_items
        return await import_items(checked, self.pictures, self, run)

    def on_problem(self, line: Line, problem: ImportProblem, message: str) -> None:
        self.reported.append((line.number, problem.value))


@pytest.fixture
async def items(app: AppHarness) -> Import:
    """An empty file. The account with the first id was imported."""
    imported = Import(app)
    await imported.start()
    return imported


def item(app: AppHarness, number: int = 101) -> MediaItem:
    return stored_items(app.database)[an_id(number)].value


async def test_items_keep_id_owner_category_and_time_and_a_repeat_opens_no_file_again(
    items: Import,
) -> None:
    items.add()
    items.add(102, category="", created_at="")

    counts = await items.run()

    imported, other = item(items.app), item(items.app, 102)
    assert imported.is_ready
    assert (imported.owner_id, imported.category) == (an_id(1), "pets")
    assert (imported.created_at, other.created_at) == (UPLOADED_AT, items.app.clock.now())
    assert other.category is None
    assert items.app.files.contents.keys() == {*imported.storage_keys, *other.storage_keys}
    assert dict(counts.outcomes) == {"created": 2}
    assert items.reported == []
    items.pictures.opened.clear()
    items.add(103)
    assert dict((await items.run()).outcomes) == {"unchanged": 2, "created": 1}
    assert items.pictures.opened == ["103.gif"]
    assert item(items.app) == imported


@pytest.mark.parametrize(
    ("changes", "content", "problem"),
    [
        ({"id": "5"}, GIF, "invalid_id"),
        ({"id": ""}, GIF, "invalid_id"),
        ({"created_at": "yesterday"}, GIF, "invalid_created_at"),
        ({"owner": an_id(9)}, GIF, "owner_not_imported"),
        ({"owner": ""}, GIF, "owner_not_imported"),
        ({"owner": "Zoë"}, GIF, "owner_not_imported"),
        ({"file": "missing.gif"}, GIF, "file_missing"),
        ({}, bytes(10**6 + 1), "file_too_large"),
        ({}, b"%PDF-1.4", "unsupported_image_type"),
    ],
)
async def test_a_line_that_cannot_be_imported_is_rejected_with_a_reason(
    items: Import, changes: dict[str, str], content: bytes, problem: str
) -> None:
    items.add(101, content, **changes)

    counts = await items.run()

    assert items.reported == [(1, problem)]
    assert dict(counts.outcomes) == {"rejected": 1}
    assert not stored_items(items.app.database)
    assert not items.app.files.contents


async def test_an_account_that_was_made_here_is_named_by_its_external_id_only(
    items: Import,
) -> None:
    own = (await items.app.log_in(a_phone(2))).identity
    items.add(101, owner=own.id)
    items.add(102, owner="member 42")
    await items.app.identities.operator_actions.set_external_id(own.id, ExternalId("member 42"))

    await items.run()

    assert items.reported == [(1, "owner_not_imported")]
    assert item(items.app, 102).owner_id == own.id


async def test_an_id_of_somebody_elses_item_is_in_use(items: Import) -> None:
    items.add()
    await items.run()
    await IMPORTS.of(items.app.use_cases).import_user(
        ImportedUser(phone=a_phone(2), id=an_id(2)), IMPORT_RUN
    )
    items.lines[0]["owner"] = an_id(2)

    await items.run()

    assert items.reported == [(1, "id_in_use")]
    assert item(items.app).owner_id == an_id(1)


async def test_a_repeat_completes_an_interrupted_import() -> None:
    async def start() -> tuple[AppHarness, Act, Import]:
        items = Import(AppHarness())
        await items.start()
        items.add()
        return items.app, items.run, items

    async for app, _, items in at_each_operation(start, Fault.KILLED, Fault.LOST):
        counts = await items.run()

        assert counts.outcomes[ImportOutcome.REJECTED] == 0
        imported = item(app)
        assert (imported.is_ready, imported.unused_keys) == (True, ())
        assert app.files.contents.keys() == set(imported.storage_keys)
        usage = stored_usages(app.database)[an_id(1)].value
        assert (usage.items, usage.bytes) == (1, imported.image.bytes)


async def test_of_two_imports_at_the_same_time_one_leaves_no_files(items: Import) -> None:
    items.add()
    other = Import(items.app, items.lines, items.pictures)

    async def import_too() -> None:
        items.app.faults.reset()
        await other.run()

    items.app.faults.run_before("media_items.replace", import_too)
    counts = await items.run()

    assert dict(counts.outcomes) == {"unchanged": 1}
    assert item(items.app).is_ready
    assert items.app.files.contents.keys() == set(item(items.app).storage_keys)


async def test_an_item_that_was_deleted_here_stays_deleted(items: Import) -> None:
    items.add()
    await items.run()
    await items.app.media.delete_item(await items.app.log_in(), an_id(101))

    marked = await items.run()
    items.app.advance(days=2)
    await items.app.operations.cleanup()
    assert an_id(101) not in stored_items(items.app.database)
    gone = await items.run()
    items.app.advance(days=397)
    await items.app.operations.cleanup()
    later = await items.run(run=None)

    assert [dict(each.outcomes) for each in (marked, gone)] == [{"deleted": 1}, {"deleted": 1}]
    assert dict(later.outcomes) == {"deleted": 1}
    assert not items.app.files.contents


async def test_a_dry_run_writes_nothing_and_says_the_same(items: Import) -> None:
    items.add(101)
    items.add(102, owner=an_id(2))
    items.add(103, file="missing.gif")
    items.add(104, category="c" * 65)
    items.add(105, owner="member 42")
    items.app.faults.reset()

    tried = await items.run(run=None)

    assert not any(call.endswith((".add", ".replace")) for call in items.app.faults.calls)
    assert not items.app.files.contents
    reported = [*items.reported]
    done = await items.run()
    assert (tried.outcomes, reported) == (done.outcomes, items.reported)


async def test_an_owner_who_is_deleted_during_the_import_has_no_item(items: Import) -> None:
    items.add()

    async def delete() -> None:
        await items.app.identities.delete_user.by_id(an_id(1))

    items.app.faults.run_before("media_items.add", delete)
    await items.run()

    assert items.reported == [(1, "owner_not_imported")]
    assert not item(items.app).has_files
