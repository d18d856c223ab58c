"""Blocks of number prefixes, networks and countries."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from application.additions import Additions
from application.administration.acts import Act
from application.administration.operator import Operator
from application.administration.show_user import UserDetails
from application.core_ports import CorePorts
from application.limits.additions import NumberBlock
from application.opened import Opened
from application.ports.errors import CorruptRecord, PortError, StorageError
from application.ports.system import Clock
from application.ports.versioned import Records
from application.update import change
from application.use_cases import UseCases
from domain.administration.audit import AuditAction
from domain.administration.scopes import Scope
from domain.features.blocks import BLOCKS_ID, Block, BlockList, Subject, SubjectKind, parse_end
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.identity import Identity
from domain.phone import PhoneNumber

ADD_BLOCK: Final = Act(
    name="add",
    action=AuditAction.ADD_BLOCK,
    does="Add a block",
    scope=Scope.WRITE_BLOCKS,
    needs_reason=True,
)
END_BLOCK: Final = Act(
    name="end",
    action=AuditAction.END_BLOCK,
    does="End a block",
    scope=Scope.WRITE_BLOCKS,
    needs_reason=True,
)
READ_INTERVAL: Final = timedelta(seconds=5)
"""Interval of reads by each process, and maximum delay of another process's block."""
READ_TIMEOUT: Final = timedelta(seconds=15)
"""The longest call of a database."""
LOG_INTERVAL: Final = timedelta(minutes=1)
"""How often a process logs that it could not read blocks."""

_log = logging.getLogger(__name__)


class BlockLists(Records[BlockList], Protocol):
    """The record with all blocks, by `BLOCKS_ID`."""


@dataclass(slots=True)
class KnownBlocks:
    """The blocks of the last read that succeeded, which the limiter of deliveries asks.

    - A block has no effect from its end on, whether it was read since or not.
    - Of two reads at the same time the one that began later decides.
    """

    block_lists: BlockLists
    clock: Clock
    known: BlockList = field(default_factory=BlockList)
    read_at: datetime | None = None
    _reads: int = 0
    _latest_read: int = 0
    _warned_at: datetime | None = None

    async def read(self) -> None:
        self._reads += 1
        number = self._reads
        loaded = await self.block_lists.load(BLOCKS_ID)
        if number > self._latest_read:
            self._latest_read = number
            self.known = loaded.value if loaded else BlockList()
            self.read_at = self.clock.now()

    def count(self) -> Mapping[str, int]:
        """Return how many blocks of each kind are active that this process knows."""
        kinds = [block.subject.kind for block in self.known.active(self.clock.now())]
        return {kind.value: kinds.count(kind) for kind in SubjectKind}

    def age(self) -> timedelta:
        """Return how long ago this process has read the blocks; 0 if it does not need them."""
        now, read_at = self.clock.now(), self.read_at
        return max(timedelta(), now - (read_at or now))

    def warn(self, event: str, error: Exception) -> None:
        """Log once a minute why a read failed: the text of what is known, the class of a bug."""
        now = self.clock.now()
        if self._warned_at is None or not timedelta() <= now - self._warned_at < LOG_INTERVAL:
            self._warned_at = now
            fields = {"event": event, "active": len(self.known.active(now))}
            if isinstance(error, PortError | TimeoutError):
                _log.warning({**fields, "reason": str(error)})
            else:  # its text may have anything
                _log.error(fields, exc_info=error)

    def find_network_block(self, client_ip: str, now: datetime) -> datetime | None:
        """Return when the block of a client's network ends; None if none is active."""
        block = self.known.find_block_of_client(client_ip, now)
        return block.ends_at if block else None

    def find_number_block(self, phone: PhoneNumber, now: datetime) -> NumberBlock | None:
        block = self.known.find_block(phone, now)
        if block is None:
            return None
        until = f"{block.ends_at:%Y-%m-%d %H:%M} UTC"
        return NumberBlock(
            f"block_{block.subject.kind}",
            f"block {block.id} of the {block.subject} rejects it until {until}",
        )


@dataclass(frozen=True, slots=True)
class BlocksDetails:
    """The blocks at this time."""

    block_list: BlockList
    now: datetime


def blocks_about(details: UserDetails) -> Sequence[Block]:
    """Return the blocks of the number of a user."""
    shown, phone = details.added.find(BlocksDetails), details.user.phone
    if shown is None or phone is None:
        return ()
    return shown.block_list.about_phone(phone, shown.now)


def show_blocks(core_ports: CorePorts, block_lists: BlockLists) -> Additions:
    """Return what shows blocks of a user. Only records are read."""

    async def load(identity: Identity | None) -> BlocksDetails | None:
        del identity  # a phone without an account has blocks too
        loaded = await block_lists.load(BLOCKS_ID)
        return BlocksDetails(loaded.value, core_ports.system.clock.now()) if loaded else None

    return Additions(details=(load,))


def open_blocks(known: KnownBlocks) -> Opened["Blocks"]:
    """Let the limits ask for blocks, and the cleanup delete those that ended."""

    async def delete_ended(now: datetime) -> int:
        def prune(found: BlockList | None) -> tuple[BlockList | None, int]:
            if found is None:
                return None, 0
            pruned = found.prune(now)
            return pruned, len(found.blocks) - len(pruned.blocks)

        return await change(known.block_lists, BLOCKS_ID, prune)

    return Opened(
        lambda core: Blocks(core, known),
        Additions(
            find_number_block=known.find_number_block,
            find_network_block=known.find_network_block,
            cleanup_steps={"ended_blocks": delete_ended},
        ),
    )


class Blocks:
    """The use cases of blocks.

    At most fifty blocks are active, also if two are added at the same time: one record has all of
    them, and is replaced only if it is unchanged.
    """

    def __init__(self, core: UseCases, known: KnownBlocks) -> None:
        self._clock, self._randomness = core.system.clock, core.system.randomness
        self._record_act, self.known, self._block_lists = core.record_act, known, known.block_lists

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
        """Return the end of a block that the operator adds now; raises InvalidValue."""
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

    async def _load(self) -> BlockList:
        loaded = await self._block_lists.load(BLOCKS_ID)
        return loaded.value if loaded else BlockList()

    async def _read_again(self) -> None:
        """Apply a change in this process. If that fails, the next read does."""
        with suppress(CorruptRecord, StorageError):
            await self.known.read()
