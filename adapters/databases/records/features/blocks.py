"""The record of blocks."""

from datetime import datetime
from typing import Final

import msgspec

from adapters.databases.records.database import Database
from adapters.databases.records.kinds import ActorRecord
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.record_kind import Record, RecordKind
from adapters.databases.records.record_repository import RecordRepository
from application.features.blocks.ports import BlocksRepositories
from domain.features.blocks import BlockList, SubjectKind


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


BLOCKS: Final = RecordKind("blocks", BlockListRecord)


def make_blocks_repositories(database: Database) -> BlocksRepositories:
    """Return the repositories of blocks."""
    mapping = RecordMapping(BLOCKS, BlockList)
    return BlocksRepositories(block_lists=RecordRepository(database.records, mapping))


KINDS: Final = (BLOCKS,)
