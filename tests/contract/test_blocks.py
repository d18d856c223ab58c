"""The blocks of each database."""

import asyncio
from datetime import timedelta

from adapters.databases.records.database import Database
from adapters.databases.records.features.blocks import make_blocks_repositories
from application.update import change
from domain.administration.audit import Actor, ActorKind
from domain.features.blocks.block import Block, Subject, SubjectKind
from domain.features.blocks.block_list import BLOCKS_ID, MAX_BLOCKS, BlockList
from domain.features.blocks.errors import TooManyBlocks
from tests.contract.conftest import IN_MEMORY_FIRST
from tests.support.builders import NOW, an_id

pytestmark = IN_MEMORY_FIRST


def a_block(number: int) -> Block:
    return Block(
        id=an_id(number),
        subject=Subject(SubjectKind.PREFIX, "+4479"),
        reason="a test",
        created_at=NOW,
        created_by=Actor(ActorKind.OPERATING_SYSTEM_USER, "support"),
        ends_at=NOW + number * timedelta(hours=1),
    )


async def test_of_blocks_that_are_added_at_once_as_many_as_fit_are_kept(database: Database) -> None:
    block_lists = make_blocks_repositories(database).block_lists
    before = tuple(a_block(number) for number in range(5, MAX_BLOCKS + 1))
    assert await block_lists.add(BlockList(before))

    async def add(block: Block) -> Block:
        def add(found: BlockList | None) -> tuple[BlockList, Block]:
            return (found or BlockList()).add(block), block

        return await change(block_lists, BLOCKS_ID, add)

    results = await asyncio.gather(
        *(add(a_block(number)) for number in (1, 2, 3, 4, 51, 52, 53)), return_exceptions=True
    )

    added = [result for result in results if isinstance(result, Block)]
    rejected = [result for result in results if isinstance(result, TooManyBlocks)]
    assert (len(added), len(rejected)) == (4, 3)
    loaded = await block_lists.load(BLOCKS_ID)
    assert loaded is not None
    assert sorted(loaded.value.blocks, key=lambda block: block.id) == sorted(
        (*before, *added), key=lambda block: block.id
    )
