"""Blocks act on all that sends a code, at once, and until their end."""

import asyncio
from datetime import timedelta
from typing import Final

import pytest

from application.features.blocks import (
    ADD_BLOCK,
    END_BLOCK,
    Blocks,
)
from application.otp.events import OtpRequestRejected
from application.ports.errors import StorageUnavailable
from domain.administration.audit import AuditAction
from domain.administration.scopes import Scope
from domain.errors import (
    AuditFailed,
    CountryNotServed,
    InsufficientScope,
    InvalidValue,
)
from domain.features.blocks import (
    MAX_BLOCKS,
    Block,
    BlockNotFound,
    Subject,
    SubjectKind,
    TooManyBlocks,
)
from domain.phone import parse_phone
from entrypoints.features.blocks import BLOCKS
from tests.support.acts import BY_COMMAND, REASON, a_token, assert_refused
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone, an_id

HOUR: Final = timedelta(hours=1)
NEXT_IP: Final = "198.51.100.7"
PREFIX: Final = Subject(SubjectKind.PREFIX, "+1415")
US: Final = Subject(SubjectKind.COUNTRY, "US")
GB: Final = Subject(SubjectKind.COUNTRY, "GB")


def blocks_of(app: AppHarness) -> Blocks:
    blocks: Blocks = BLOCKS.of(app.use_cases)
    return blocks


async def add(app: AppHarness, subject: Subject, duration: timedelta = HOUR) -> Block:
    return await blocks_of(app).add(BY_COMMAND, subject, duration, REASON)


@pytest.mark.parametrize(("subject", "limit"), [(PREFIX, "block_prefix"), (US, "block_country")])
async def test_a_blocked_number_is_one_of_a_country_that_is_not_served(
    app: AppHarness, subject: Subject, limit: str
) -> None:
    block = await add(app, subject)

    with pytest.raises(CountryNotServed) as raised:
        await app.request_otp()
    [rejected] = app.events.of_type(OtpRequestRejected)
    assert (str(raised.value), rejected.limit, app.messenger.messages) == ("", limit, [])
    # Another country, and the same one after the end.
    assert (await app.request_otp(parse_phone("+447900123456", None), NEXT_IP)).sent
    app.clock.advance(block.ends_at - app.clock.now())
    assert (await app.request_otp()).sent


# Add, list and end


async def test_the_audit_has_a_block_before_it_acts(app: AppHarness) -> None:
    app.faults.fail_on("audit_log.add")
    with pytest.raises(AuditFailed):
        await add(app, US)
    assert await blocks_of(app).list(BY_COMMAND) == []

    block = await add(app, PREFIX)
    await blocks_of(app).end(BY_COMMAND, block.id, REASON)
    entries = sorted(app.database.audit_entries, key=lambda entry: entry.action)
    assert [(entry.action, entry.subject) for entry in entries] == [
        (AuditAction.ADD_BLOCK, block.id),
        (AuditAction.END_BLOCK, block.id),
    ]
    assert entries[0].reason.startswith("prefix +1415, until ")
    assert entries[0].reason.endswith(f". {REASON}")
    with pytest.raises(BlockNotFound):
        await blocks_of(app).end(BY_COMMAND, block.id, REASON)
    assert len(app.database.audit_entries) == 2


async def test_two_at_once_add_no_fifty_first_block(app: AppHarness) -> None:
    subjects = [Subject(SubjectKind.PREFIX, f"+1{200 + n}") for n in range(MAX_BLOCKS + 2)]
    results = await asyncio.gather(
        *(add(app, subject) for subject in subjects), return_exceptions=True
    )

    failed = [result for result in results if isinstance(result, TooManyBlocks)]
    assert (len(failed), len(await blocks_of(app).list(BY_COMMAND))) == (2, MAX_BLOCKS)
    assert blocks_of(app).known.count() == {"prefix": MAX_BLOCKS, "network": 0, "country": 0}


async def test_a_token_that_reads_or_writes_blocks_lists_them_and_blocks_for_a_day(
    app: AppHarness,
) -> None:
    blocks = blocks_of(app)
    await assert_refused(ADD_BLOCK, lambda operator, why: blocks.add(operator, US, HOUR, why))
    await assert_refused(END_BLOCK, lambda operator, why: blocks.end(operator, an_id(9), why))
    for scope in (Scope.READ_BLOCKS, Scope.WRITE_BLOCKS):
        assert await blocks_of(app).list(a_token(scope)) == []
    with pytest.raises(InvalidValue, match="24 hours"):
        await blocks_of(app).add(a_token(Scope.WRITE_BLOCKS), US, 25 * HOUR, REASON)
    with pytest.raises(InsufficientScope):
        await blocks_of(app).list(a_token(Scope.READ_USERS))


async def test_the_cleanup_deletes_blocks_that_have_ended(app: AppHarness) -> None:
    await app.operations.cleanup()
    await add(app, US)
    await add(app, GB, 2 * HOUR)
    app.advance(hours=1)

    report = await app.operations.cleanup()
    assert report["ended_blocks"] == 1
    await blocks_of(app).known.read()
    assert len(blocks_of(app).known.known.blocks) == 1


# What each process knows


async def test_a_block_of_another_process_acts_after_the_next_read(app: AppHarness) -> None:
    other = AppHarness(database=app.database, clock=app.clock)
    block = await add(other, US)
    assert (await app.request_otp()).sent

    await blocks_of(app).known.read()
    with pytest.raises(CountryNotServed):
        await app.request_otp(a_phone(2))
    await blocks_of(other).end(BY_COMMAND, block.id, REASON)
    await blocks_of(app).known.read()
    assert (await app.request_otp(a_phone(2), NEXT_IP)).sent


async def test_without_the_database_the_last_blocks_hold_until_their_end(
    app: AppHarness, caplog: pytest.LogCaptureFixture
) -> None:
    blocks = blocks_of(app)
    block = await add(app, US)
    app.advance(minutes=1)
    for seconds in (0, 5, 60):
        app.advance(seconds=seconds)
        app.database.is_unavailable = True
        try:
            await blocks.known.read()
        except StorageUnavailable as error:
            blocks.known.warn("blocks_not_read", error)
        app.database.is_unavailable = False
        with pytest.raises(CountryNotServed):
            await app.request_otp()
    assert [record.message.count("blocks_not_read") for record in caplog.records] == [1, 1]
    assert blocks.known.age() == timedelta(minutes=2, seconds=5)
    app.clock.advance(block.ends_at - app.clock.now())
    assert (await app.request_otp()).sent


async def test_the_log_has_no_text_of_an_unexpected_error_of_a_read(
    app: AppHarness, caplog: pytest.LogCaptureFixture
) -> None:
    error = KeyError("+14155552671")
    blocks_of(app).known.warn("blocks_not_read", error)

    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "+14155552671" not in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[1] is error


async def test_a_read_that_began_before_another_does_not_replace_it(app: AppHarness) -> None:
    known = blocks_of(app).known
    app.faults.run_before("blocks.load", lambda: add(app, US))
    await known.read()

    assert len(known.known.blocks) == 1
