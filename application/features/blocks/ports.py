"""The port of blocks: one record that has all of them."""

from dataclasses import dataclass
from typing import Protocol

from application.ports.versioned import Records
from domain.features.blocks import BlockList


class BlockLists(Records[BlockList], Protocol):
    """The record with all blocks, by `BLOCKS_ID`."""


@dataclass(frozen=True, slots=True)
class BlocksRepositories:
    """The repositories of blocks."""

    block_lists: BlockLists
