"""All blocks together: which of them are about a request."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from domain.errors import ConflictingValue
from domain.features.blocks.block import Block
from domain.features.blocks.errors import BlockNotFound, TooManyBlocks
from domain.phone import PhoneNumber

BLOCKS_ID: Final = "blocks"
"""The id of the one record that has them: so that there are never more than may be."""
MAX_BLOCKS: Final = 50


@dataclass(frozen=True, slots=True)
class BlockList:
    """The blocks of an installation, the oldest first. Those that have ended have no effect."""

    blocks: tuple[Block, ...] = ()
    id: str = BLOCKS_ID

    def active(self, now: datetime) -> Sequence[Block]:
        return [block for block in self.blocks if block.is_active(now)]

    def prune(self, now: datetime) -> "BlockList":
        return replace(self, blocks=tuple(self.active(now)))

    def add(self, block: Block) -> "BlockList":
        """Return the list with one more block.

        Raises:
            ConflictingValue: One of the same is active, and does not end before it.
            TooManyBlocks
        """
        blocks = self.active(block.created_at)
        if any(each.subject == block.subject and each.ends_at >= block.ends_at for each in blocks):
            raise ConflictingValue("This block is active already.")
        if len(blocks) >= MAX_BLOCKS:
            raise TooManyBlocks(
                f"{MAX_BLOCKS} blocks are active, and there may be no more: end one first."
            )
        return replace(self, blocks=(*blocks, block))

    def end(self, block_id: str, now: datetime) -> "BlockList":
        ended = self.find(block_id, now)
        return replace(self, blocks=tuple(each for each in self.active(now) if each != ended))

    def find(self, block_id: str, now: datetime) -> Block:
        """Return a block that is active.

        Raises:
            BlockNotFound
        """
        for block in self.active(now):
            if block.id == block_id:
                return block
        raise BlockNotFound

    def about_phone(self, phone: PhoneNumber, now: datetime) -> Sequence[Block]:
        return [block for block in self.active(now) if block.subject.covers(phone)]

    def find_block(self, phone: PhoneNumber, now: datetime) -> Block | None:
        """Return the block of a phone; of several the one that ends last."""
        return _last(self.about_phone(phone, now))

    def find_block_of_client(self, client_ip: str, now: datetime) -> Block | None:
        """Return the block of a client's network; of several the one that ends last.

        `client_ip` is an IPv4 address, or the /64 of an IPv6 address.
        """
        return _last(each for each in self.active(now) if each.subject.covers_client(client_ip))


def _last(blocks: Iterable[Block]) -> Block | None:
    return max(blocks, key=lambda block: block.ends_at, default=None)
