"""Each act is a line of the journal, whether that can be written at once or not."""

import asyncio
import json

import pytest

from application.journal.lines import UnreadableLine, parse_entry, render_line
from application.journal.write_acts import MAX_WAITING, WriteActs
from application.ports.journal import JournalUnavailable
from domain.identities.role import Role
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.database import InMemoryDatabase


class FakeJournal:
    """Keeps lines. While it `fails`, it takes none."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.fails = False
        self.error: Exception = JournalUnavailable("no space left on device")
        self.may_write = asyncio.Event()
        self.may_write.set()
        self.is_writing = asyncio.Event()

    async def write(self, line: str) -> None:
        self.is_writing.set()
        await self.may_write.wait()
        if self.fails:
            raise self.error
        self.lines.append(line)

    @property
    def acts(self) -> list[tuple[str, str | None]]:
        entries = [json.loads(line) for line in self.lines]
        return [(entry["action"], entry.get("id")) for entry in entries]


class Journaled:
    """An app with a journal."""

    def __init__(self) -> None:
        self.journal, self.database, clock = FakeJournal(), InMemoryDatabase(), MovableClock()
        self.dropped = 0
        self.writer = WriteActs(
            journal=self.journal,
            keyed_hashes=self.database.encryption,
            index_key="0badc0de",
            clock=clock,
            count_dropped=self._count_dropped,
        )
        self.app = AppHarness(database=self.database, clock=clock)
        self.app.observers.add(self.writer)

    def _count_dropped(self) -> None:
        self.dropped += 1


@pytest.fixture
def journaled() -> Journaled:
    return Journaled()


async def test_acts_of_users_and_operators_are_lines(
    journaled: Journaled,
) -> None:
    app, journal = journaled.app, journaled.journal
    act = app.identities.operator_actions
    deleted = await app.add_user(a_phone(1), "Asha")
    other = (await app.add_user(a_phone(2), "Zoë")).identity
    item = await app.upload_image(await app.log_in(a_phone(2)))
    assert journal.lines == []

    await app.identities.delete_user(deleted)
    await act.revoke_sessions(other.id)
    await act.change_role(other.id, Role.ADMINISTRATOR)
    await act.block(a_phone(2))
    await act.block(a_phone(2))
    await act.unblock(a_phone(2))
    await act.block(a_phone(3))
    await app.media.delete_item(await app.log_in(a_phone(2)), item.item.id)

    assert journal.acts == [
        ("delete", deleted.identity.id),
        ("sign_out", other.id),
        ("promote", other.id),
        ("block", other.id),
        ("unblock", other.id),
        ("block", None),
        ("delete_item", other.id),
    ]
    entries = [json.loads(line) for line in journal.lines]
    index = journaled.database.encryption.blind_index
    assert [entry.get("phone_index") for entry in entries] == [
        index(a_phone(1)),
        *[index(a_phone(2))] * 4,
        index(a_phone(3)),
        None,
    ]
    assert {entry.get("index_key") for entry in entries[:-1]} == {"0badc0de"}


async def test_what_cannot_be_written_waits_and_keeps_its_order(journaled: Journaled) -> None:
    app, journal = journaled.app, journaled.journal
    user = (await app.add_user()).identity
    journal.fails = True
    act = app.identities.operator_actions
    await act.revoke_sessions(user.id)
    journal.fails = False
    await act.change_role(user.id, Role.ADMINISTRATOR)
    assert journal.lines == []  # the second one waits behind the first

    journal.fails = True
    with pytest.raises(JournalUnavailable, match="no space left on device; lines that wait: 2"):
        await journaled.writer.retry()
    journal.fails = False
    await journaled.writer.retry()

    assert journal.acts == [("sign_out", user.id), ("promote", user.id)]
    await act.change_role(user.id, Role.MEMBER)
    assert len(journal.lines) == 3


async def test_the_log_names_a_line_that_is_dropped_because_too_many_wait(
    journaled: Journaled, caplog: pytest.LogCaptureFixture
) -> None:
    app, journal = journaled.app, journaled.journal
    user = (await app.add_user()).identity
    journal.fails = True
    act, waiting = app.identities.operator_actions, journaled.writer.waiting
    await act.revoke_sessions(user.id)
    waiting.extend([waiting[0]] * (MAX_WAITING - 1))
    await act.change_role(user.id, Role.ADMINISTRATOR)

    dropped = {"event": "journal_line_dropped", "action": "sign_out", "user_id": user.id}
    assert dropped in [record.msg for record in caplog.records]
    assert journaled.dropped == 1


async def test_an_unexpected_error_loses_no_line_and_fails_no_act(journaled: Journaled) -> None:
    app, journal = journaled.app, journaled.journal
    user = (await app.add_user()).identity
    journal.fails, journal.error = True, ValueError("a bug")
    await app.identities.operator_actions.revoke_sessions(user.id)
    journal.fails = False
    await journaled.writer.retry()

    assert journal.acts == [("sign_out", user.id)]


async def test_no_act_waits_for_the_lines_before_it(journaled: Journaled) -> None:
    app, journal = journaled.app, journaled.journal
    user = (await app.add_user()).identity
    act = app.identities.operator_actions
    journal.fails = True
    await act.revoke_sessions(user.id)
    journal.fails = False
    journal.may_write.clear()
    journal.is_writing.clear()
    retry = asyncio.create_task(journaled.writer.retry())
    await journal.is_writing.wait()

    await act.change_role(user.id, Role.ADMINISTRATOR)  # while a line before it is being written

    assert journal.lines == []
    journal.may_write.set()
    await retry
    assert journal.acts == [("sign_out", user.id), ("promote", user.id)]


async def test_a_client_that_leaves_does_not_stop_its_line(journaled: Journaled) -> None:
    app, journal = journaled.app, journaled.journal
    user = await app.add_user()
    journal.may_write.clear()
    request = asyncio.create_task(app.identities.delete_user(user))
    await journal.is_writing.wait()
    request.cancel()
    journal.may_write.set()
    with pytest.raises(asyncio.CancelledError):
        await request
    await journaled.writer.retry()

    assert journal.acts == [("delete", user.identity.id)]


@pytest.mark.parametrize(
    "line",
    [
        *("", "{", "[]", "4711", "null", '{"time": "2026-05-01T09:30:00Z"}'),
        '{"time": "2026-05-01T09:30:00", "action": "delete"}',
        '{"time": "2026-05-01T09:30:00Z", "action": "dance"}',
        '{"time": "2026-05-01T09:30:00Z", "action": "delete", "id": 7}',
        '{"time": "2026-05-01T09:30:00Z", "action": "demote", "role": "king"}',
    ],
)
def test_what_is_no_line_is_an_error(line: str) -> None:
    with pytest.raises(UnreadableLine):
        parse_entry(line)


def test_a_line_is_read_as_it_was_written_also_with_more_in_it() -> None:
    line = '{"time": "2026-05-01T09:30:00.123Z", "action": "delete", "id": "1"}'
    assert render_line(parse_entry(line)) == line
    assert parse_entry(line[:-1] + ', "new": [1]}') == parse_entry(line)
