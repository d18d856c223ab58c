"""Users and library of hookaba-backend are imported once, whatever interrupts the import."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest

from adapters.imports.hookaba import BucketUrls, read_items, read_users
from application.features.imports.feature import ImportsFeature
from application.features.imports.import_user import ImportRun
from application.features.imports.ports import Document
from application.features.imports.service_report import ReportedRow, ServiceImport, ServiceReport
from application.features.media.ports import StoredFile
from application.ports.errors import MediaFileRejected
from domain.features.media.item import ItemState, MediaItem
from domain.features.media.usage import Quota
from domain.identities.identity import Identity
from domain.identities.role import Role
from domain.phone import PhoneNumber, parse_phone
from tests.support.app_harness import GIF, AppHarness, make_policy
from tests.support.at_each_operation import Act, at_each_operation
from tests.support.builders import a_phone, an_id
from tests.support.fakes.import_source import (
    JOINED_AT,
    UPLOADED_AT,
    a_user_document,
    an_item_document,
    url_of,
)
from tests.support.fault_injector import ProcessKilled
from tests.support.images import as_file
from tests.support.imports.builders import IMPORT_RUN
from tests.support.media.stored import stored_items, stored_usages


@dataclass
class FakeDocuments:
    """A collection in the order of its ids."""

    documents: list[Document] = field(default_factory=list)

    async def count(self) -> int:
        return len(self.documents)

    async def read(self) -> AsyncIterator[Document]:
        for document in self.documents:
            yield document


@dataclass
class FakeSourceFiles:
    """Files by key."""

    contents: dict[str, bytes] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    opened: list[str] = field(default_factory=list)

    async def get_size(self, key: str) -> int | None:
        if key in self.unreadable:
            raise MediaFileRejected("access denied")
        content = self.contents.get(key)
        return None if content is None else len(content)

    @asynccontextmanager
    async def open_file(self, key: str) -> AsyncIterator[StoredFile | None]:
        self.opened.append(key)
        content = self.contents.get(key)
        yield None if content is None else StoredFile(len(content), _chunks(content))


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content


URLS: Final = BucketUrls("bucket")


@dataclass
class Source:
    """hookaba-backend, and what an import of it reports."""

    app: AppHarness
    users: FakeDocuments = field(default_factory=FakeDocuments)
    library: FakeDocuments = field(default_factory=FakeDocuments)
    files: FakeSourceFiles | None = field(default_factory=FakeSourceFiles)
    reported: list[ReportedRow] = field(default_factory=list)

    async def run(self, **options: Any) -> ServiceReport:
        self.reported.clear()
        command = ServiceImport(
            read_users=lambda: read_users(self.users, _parse_phone),
            read_items=lambda: read_items(self.library, URLS),
            count_items=self.library.count,
            files=self.files,
            report_row=self.reported.append,
            show_progress=lambda _kind, _done, _total: None,
            **{
                "max_file_bytes": 10**6,
                "open_temporary_file": lambda: as_file(b""),
                "run": IMPORT_RUN,
                **options,
            },
        )
        return await self.app.use_cases.of(ImportsFeature).import_service(command)

    def reasons(self) -> list[tuple[str, str]]:
        return sorted((row.id, row.reason) for row in self.reported)

    def add_users(self, *documents: Document) -> None:
        self.users.documents += documents

    def add_items(self, *documents: Document) -> None:
        self.library.documents += documents
        assert self.files is not None
        for document in documents:
            if key := URLS.find_key(str(document.fields["url"])):
                self.files.contents[key] = GIF

    def add_user_with_item(self) -> None:
        self.add_users(a_user_document())
        self.add_items(an_item_document())


@pytest.fixture
def source(app: AppHarness) -> Source:
    return Source(app)


@pytest.fixture
async def imported(source: Source) -> Source:
    """A source whose one user with one item was imported."""
    source.add_user_with_item()
    await source.run()
    return source


def identity(app: AppHarness, number: int = 1) -> Identity:
    return app.database.identities[an_id(number)].value


def item(app: AppHarness, number: int = 101) -> MediaItem:
    return stored_items(app.database)[an_id(number)].value


async def test_users_keep_id_number_name_and_time_and_no_role(source: Source) -> None:
    source.add_users(a_user_document(admin=True))

    report = await source.run()

    imported = identity(source.app)
    assert imported.phone == parse_phone("+14155552671")
    assert imported.username is not None
    assert imported.username.text == "User 1"
    assert imported.created_at == JOINED_AT
    assert (imported.staff.role, imported.days_of_use) == (Role.MEMBER, 0)
    assert source.reasons() == [(an_id(1), "was_administrator")]
    assert dict(report.users.outcomes) == {"created": 1}
    assert report.rejected == 0
    assert (await source.app.log_in(imported.phone)).identity.id == an_id(1)


async def test_what_cannot_be_read_is_listed(source: Source) -> None:
    source.add_users(Document("42", None, {}), a_user_document(1, number="12"))
    source.library.documents.append(an_item_document(101, url=None))

    report = await source.run()

    assert source.reasons() == sorted(
        [("42", "unreadable"), (an_id(1), "invalid_phone"), (an_id(101), "unreadable")]
    )
    assert report.rejected == 3
    assert not any("12" in row.message for row in source.reported)


async def test_items_keep_id_owner_category_and_time(source: Source) -> None:
    source.add_user_with_item()

    report = await source.run()

    imported = item(source.app)
    assert imported.is_ready
    assert (imported.owner_id, imported.category) == (an_id(1), "pets")
    assert imported.created_at == UPLOADED_AT
    assert source.app.files.contents.keys() == set(imported.storage_keys)
    assert dict(report.items) == {"imported": 1}
    assert report.source_items.text == report.stored_items.text
    assert (report.source_files.files, report.source_files.bytes) == (1, len(GIF))
    assert not report.has_differences


@pytest.mark.parametrize(
    ("changes", "content", "reason"),
    [
        ({"user_id": an_id(9)}, GIF, "owner_not_imported"),
        ({"url": url_of("101.gif").replace("bucket", "other")}, GIF, "other_bucket"),
        ({"url": url_of("missing.gif")}, GIF, "file_missing"),
        ({}, bytes(20_000), "file_too_large"),
        ({}, b"%PDF-1.4", "unsupported_image_type"),
    ],
)
async def test_rows_that_cannot_be_imported_are_listed_with_a_reason(
    source: Source, changes: dict[str, str], content: bytes, reason: str
) -> None:
    source.add_users(a_user_document())
    source.library.documents.append(an_item_document(**changes))
    source.files = FakeSourceFiles({"101.gif": content})

    report = await source.run(max_file_bytes=10_000)

    assert source.reasons() == [(an_id(101), reason)]
    assert report.rejected == 1
    assert not stored_items(source.app.database)
    assert not source.app.files.contents


@pytest.mark.parametrize("run", [None, IMPORT_RUN])
async def test_a_row_of_an_account_that_was_made_here_is_not_imported(
    source: Source, run: ImportRun | None
) -> None:
    own = (await source.app.log_in()).identity
    source.add_users(a_user_document())
    source.add_items(an_item_document(user_id=own.id))

    await source.run(run=run)

    assert source.reasons() == [(an_id(101), "owner_not_imported")]


async def test_late_rows_of_a_user_with_another_number_are_imported(source: Source) -> None:
    source.add_users(a_user_document())
    await source.run()
    await source.app.move_phone(an_id(1), a_phone(2))
    source.add_items(an_item_document())

    await source.run()

    assert source.reasons() == [(an_id(1), "id_in_use")]
    assert item(source.app).is_ready


async def test_a_file_that_cannot_be_read_does_not_end_the_import(source: Source) -> None:
    source.add_users(a_user_document())
    source.add_items(an_item_document(101), an_item_document(102))
    assert source.files is not None
    source.files.unreadable.add("101.gif")

    await source.run()

    assert source.reasons() == [(an_id(101), "file_unreadable")]
    assert item(source.app, 102).is_ready


async def test_without_files_items_are_only_counted(source: Source) -> None:
    source.add_user_with_item()
    source.files = None

    report = await source.run()

    assert report.skipped_items == 1
    assert not stored_items(source.app.database)


async def test_a_shared_file_and_a_dropped_category_are_noted(source: Source) -> None:
    source.add_users(a_user_document())
    source.add_items(
        an_item_document(101, category="c" * 65), an_item_document(102, url=url_of("101.gif"))
    )

    report = await source.run()

    assert source.reasons() == [(an_id(101), "category_dropped"), (an_id(102), "file_shared")]
    assert dict(report.items) == {"imported": 2}
    assert item(source.app).category is None
    assert not report.has_differences


async def test_a_repeat_reads_no_file_again_and_imports_what_is_new_there(imported: Source) -> None:
    before = item(imported.app)
    assert imported.files is not None
    imported.files.opened.clear()
    imported.add_users(a_user_document(2))
    imported.add_items(an_item_document(102, user_id=an_id(2)))

    report = await imported.run()

    assert dict(report.users.outcomes) == {"unchanged": 1, "created": 1}
    assert dict(report.items) == {"unchanged": 1, "imported": 1}
    assert item(imported.app) == before
    assert imported.files.opened == ["102.gif"]
    assert not report.has_differences


@pytest.mark.slow
async def test_a_repeat_completes_an_interrupted_import() -> None:
    async def start() -> tuple[AppHarness, Act, Source]:
        source = Source(AppHarness())
        source.add_user_with_item()
        return source.app, source.run, source

    async for app, _, source in at_each_operation(start):
        report = await source.run()

        assert report.rejected == 0
        assert not report.has_differences
        imported = item(app)
        assert (imported.is_ready, imported.unused_keys) == (True, ())
        assert app.files.contents.keys() == set(imported.storage_keys)
        assert identity(app).phone == parse_phone("+14155552671")
        usage = stored_usages(app.database)[an_id(1)].value
        assert (usage.items, usage.bytes) == (1, imported.image.bytes)


async def test_an_item_that_a_cleanup_has_marked_is_continued(source: Source) -> None:
    source.add_user_with_item()
    source.app.faults.fail_on("media_items.replace", kill=True)
    with pytest.raises(ProcessKilled):
        await source.run()
    source.app.faults.reset()
    source.app.advance(hours=1)
    await source.app.operations.cleanup()
    assert item(source.app).state is ItemState.DELETING

    await source.run()
    source.app.advance(hours=2)
    await source.app.operations.cleanup()

    assert item(source.app).is_ready
    assert source.app.files.contents.keys() == set(item(source.app).storage_keys)


async def test_of_two_imports_at_the_same_time_one_leaves_no_files(source: Source) -> None:
    source.add_user_with_item()
    other = replace(source, reported=[])

    async def import_too() -> None:
        source.app.faults.reset()
        await other.run()

    source.app.faults.run_before("media_items.replace", import_too)
    report = await source.run()

    assert report.rejected == 0
    assert item(source.app).is_ready
    assert source.app.files.contents.keys() == set(item(source.app).storage_keys)


async def test_an_item_that_its_owner_has_deleted_here_does_not_come_back(imported: Source) -> None:
    principal = await imported.app.log_in(parse_phone("+14155552671"))
    await imported.app.media.delete_item(principal, an_id(101))

    marked = await imported.run()
    imported.app.advance(days=2)
    await imported.app.operations.cleanup()
    assert an_id(101) not in stored_items(imported.app.database)
    gone = await imported.run()

    assert (dict(marked.items), dict(gone.items)) == ({"deleted": 1}, {"deleted": 1})
    assert not imported.app.files.contents


async def test_what_people_change_here_is_no_difference(imported: Source) -> None:
    principal = await imported.app.log_in(parse_phone("+14155552671"))
    await imported.app.media.categorize_item(principal, an_id(101), "cats")

    report = await imported.run()

    assert not report.has_differences
    assert item(imported.app).category == "cats"


async def test_a_dry_run_writes_nothing_and_counts_the_same(source: Source) -> None:
    source.add_users(a_user_document(1), a_user_document(2, number="12"))
    source.add_items(an_item_document(101), an_item_document(102, user_id=an_id(2)))
    before = source.app.database.records.tables.copy()

    tried = await source.run(run=None)

    assert not any(source.app.database.records.tables.values()), before
    assert not source.app.files.contents
    reasons = source.reasons()
    done = await source.run()
    assert (tried.users.outcomes, tried.items) == (done.users.outcomes, done.items)
    assert reasons == source.reasons()


async def test_a_dry_run_after_an_interrupted_import_writes_nothing(source: Source) -> None:
    source.add_user_with_item()
    source.app.faults.fail_on("media_usages.add", kill=True)
    with pytest.raises(ProcessKilled):
        await source.run()
    source.app.faults.reset()
    before = deepcopy(source.app.database.records.tables)

    tried = await source.run(run=None)

    assert (dict(tried.users.outcomes), dict(tried.items)) == ({"unchanged": 1}, {"unchanged": 1})
    assert source.app.database.records.tables == before


async def test_items_above_a_quota_are_imported_and_counted(app: AppHarness) -> None:
    small = AppHarness(policy=make_policy(quota=Quota(max_bytes=1, max_items=1)))
    source = Source(small)
    source.add_users(a_user_document())
    source.add_items(an_item_document(101), an_item_document(102))

    report = await source.run()

    assert report.rejected == 0
    assert stored_usages(small.database)[an_id(1)].value.items == 2


async def test_what_is_stored_in_another_way_is_a_difference(source: Source) -> None:
    source.add_user_with_item()

    async def damage() -> None:
        for storage_key in source.app.files.contents:
            source.app.files.contents[storage_key] = b"short"

    source.app.faults.run_before("idempotency_keys.add", damage)
    report = await source.run()

    assert report.has_differences
    assert source.reasons() == [(an_id(101), "differs")]


def _parse_phone(text: str) -> PhoneNumber:
    return parse_phone(text, "US")
