"""Add, list and end blocks."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from application.administration.operator import Operator
from application.features.blocks.acts import ADD_BLOCK, END_BLOCK
from application.features.blocks.known_blocks import KnownBlocks
from application.features.blocks.ports import BlocksRepositories
from application.otp.feature import LimitUseCases
from application.ports.errors import CorruptRecord, StorageError
from application.update import change
from application.use_cases import UseCases
from domain.administration.scope import Scope
from domain.features.blocks.block import Block, Subject, SubjectKind
from domain.features.blocks.block_list import BLOCKS_ID, BlockList
from domain.features.blocks.parse_block import parse_end
from domain.identifier import RANDOM_BYTES, make_identifier


class BlocksFeature:
    """The use cases of blocks.

    At most fifty blocks are active, also if two are added at the same time: one record has all of
    them, and it is replaced only if nobody has changed it.
    """

    def __init__(self, core: UseCases, repositories: BlocksRepositories) -> None:
        self._clock, self._randomness = core.system.clock, core.system.randomness
        self._block_lists = repositories.block_lists
        self._record_act = core.record_act
        self.known = KnownBlocks(repositories.block_lists, core.system.clock)
        if (limits := core.find(LimitUseCases)) is not None:
            limits.delivery_limiter.find_number_block = self.known.find_number_block
            limits.delivery_limiter.find_network_block = self.known.find_network_block
        core.operations.cleanup.add_steps({"ended_blocks": self._delete_ended})

    async def add(
        self, operator: Operator, subject: Subject, end: datetime | timedelta, reason: str
    ) -> Block:
        """Add a block from now on. `reason` is as `Operator.parse_reason` returns it."""
        operator.check(ADD_BLOCK, reason)
        now = self._clock.now()
        block = Block(
            id=make_identifier(now, self._randomness.bytes(RANDOM_BYTES)),
            subject=subject,
            reason=reason,
            created_at=now,
            created_by=operator.actor,
            ends_at=self.check_end(operator, end),
        )
        described = f"{subject}, until {block.ends_at:%Y-%m-%d %H:%M:%S} UTC. {reason}"
        (await self._load()).add(block)
        async with self._record_act(operator.actor, ADD_BLOCK.action, block.id, described):

            def add(found: BlockList | None) -> tuple[BlockList, None]:
                return (found or BlockList()).add(block), None

            await change(self._block_lists, BLOCKS_ID, add)
        await self._read_again()
        return block

    def check_end(self, operator: Operator, end: datetime | timedelta) -> datetime:
        """Return when a block ends that the operator adds now; raises InvalidValue."""
        now = self._clock.now()
        ends_at = now + end if isinstance(end, timedelta) else end
        return parse_end(now, ends_at, is_by_token=operator.is_token)

    async def list(self, operator: Operator) -> Sequence[Block]:
        if not operator.has_scope(Scope.WRITE_BLOCKS):
            operator.check_scope(Scope.READ_BLOCKS)
        return (await self._load()).active(self._clock.now())

    async def end(self, operator: Operator, block_id: str, reason: str) -> Block:
        operator.check(END_BLOCK, reason)
        block = (await self._load()).find(block_id, self._clock.now())
        described = f"{block.subject}. {reason}"
        async with self._record_act(operator.actor, END_BLOCK.action, block.id, described):

            def end(found: BlockList | None) -> tuple[BlockList, None]:
                return (found or BlockList()).end(block_id, self._clock.now()), None

            await change(self._block_lists, BLOCKS_ID, end)
        await self._read_again()
        return block

    def count(self) -> Mapping[str, int]:
        """Return how many blocks of each kind are active that this process knows."""
        kinds = [block.subject.kind for block in self.known.known.active(self._clock.now())]
        return {kind.value: kinds.count(kind) for kind in SubjectKind}

    def age(self) -> timedelta:
        """Return how long ago this process has read the blocks; 0 if it does not need them."""
        now, read_at = self._clock.now(), self.known.read_at
        return max(timedelta(), now - (read_at or now))

    async def _load(self) -> BlockList:
        loaded = await self._block_lists.load(BLOCKS_ID)
        return loaded.value if loaded else BlockList()

    async def _read_again(self) -> None:
        """Let a change act in this process. Where that fails, the next read does."""
        with suppress(CorruptRecord, StorageError):
            await self.known.read()

    async def _delete_ended(self, now: datetime) -> int:
        def prune(found: BlockList | None) -> tuple[BlockList | None, int]:
            if found is None:
                return None, 0
            pruned = found.prune(now)
            return pruned, len(found.blocks) - len(pruned.blocks)

        return await change(self._block_lists, BLOCKS_ID, prune)
