"""The record of blocks."""

from datetime import datetime
from typing import Final

import msgspec

from adapters.databases.records.database import Database
from adapters.databases.records.kinds import ActorRecord
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.record_kind import Record, RecordKind
from adapters.databases.records.record_repository import RecordRepository
from adapters.databases.records.retention import Retention
from application.features.blocks import BlockLists
from domain.features.blocks import MAX_DURATION, BlockList, SubjectKind


class SubjectRecord(msgspec.Struct, kw_only=True, gc=False):
    """What a block blocks."""

    kind: SubjectKind
    text: str


class BlockRecord(msgspec.Struct, kw_only=True, gc=False):
    """A block."""

    id: str
    subject: SubjectRecord
    reason: str
    created_at: datetime
    created_by: ActorRecord
    ends_at: datetime


class BlockListRecord(Record, kw_only=True):
    """All blocks."""

    id: str
    blocks: tuple[BlockRecord, ...] = ()


BLOCKS: Final = RecordKind(
    "blocks",
    BlockListRecord,
    retention=(
        Retention(
            "blocks of number ranges, networks (or one client IP) and countries: why, until when,"
            " by whom",
            "id blocks(id subject(kind text) reason created_at created_by(kind id name role)"
            " ends_at)",
            f"until they end, {MAX_DURATION.days} days at most",
            "attacks are stopped",
            "operator, cleanup",
        ),
    ),
)


def make_block_lists(database: Database) -> BlockLists:
    """Return the repository of blocks."""
    return RecordRepository(database.records, RecordMapping(BLOCKS, BlockList))


KINDS: Final = (BLOCKS,)
