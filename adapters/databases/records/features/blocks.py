"""The record of blocks."""

from typing import Final

from adapters.databases.records.database import Database
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.record_kind import Record, RecordKind
from adapters.databases.records.record_repository import RecordRepository
from adapters.databases.records.retention import Retention
from application.features.blocks import BlockLists
from domain.features.blocks import MAX_DURATION, Block, BlockList


class BlockListRecord(Record, kw_only=True):
    """All blocks."""

    id: str
    blocks: tuple[Block, ...] = ()


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
