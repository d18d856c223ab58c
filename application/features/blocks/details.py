"""What is shown of the blocks of the number of a user."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from application.administration.show_user import UserDetails
from application.features.blocks.ports import BlocksRepositories
from application.use_cases import UseCases
from domain.features.blocks.block import Block
from domain.features.blocks.block_list import BLOCKS_ID, BlockList
from domain.identities.identity import Identity


@dataclass(frozen=True, slots=True)
class BlocksDetails:
    """The blocks at this time."""

    block_list: BlockList
    now: datetime


def blocks_about(details: UserDetails) -> Sequence[Block]:
    """Return the blocks of the number of a user."""
    shown, phone = details.parts.find(BlocksDetails), details.user.phone
    if shown is None or phone is None:
        return ()
    return shown.block_list.about_phone(phone, shown.now)


def add_blocks_details(core: UseCases, repositories: BlocksRepositories) -> None:
    """Let the core show them. Only records are read."""

    async def load(identity: Identity | None) -> BlocksDetails | None:
        del identity  # a phone without an account has blocks too
        loaded = await repositories.block_lists.load(BLOCKS_ID)
        return BlocksDetails(loaded.value, core.system.clock.now()) if loaded else None

    core.administration.details_parts.append(load)
