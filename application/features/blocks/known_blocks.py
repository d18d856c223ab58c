"""The blocks that this process knows, for each request."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from application.features.blocks.ports import BlockLists
from application.limits.blocks import NumberBlock
from application.ports.system import Clock
from domain.features.blocks.block_list import BLOCKS_ID, BlockList
from domain.phone import PhoneNumber

READ_INTERVAL: Final = timedelta(seconds=5)
"""How often each process reads them: so late a block of another process acts at most."""
READ_TIMEOUT: Final = timedelta(seconds=15)
"""The longest call of a database."""
LOG_INTERVAL: Final = timedelta(minutes=1)
"""How often a process says that it could not read them."""

_log = logging.getLogger(__name__)


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

    def warn(self, event: str, error: Exception) -> None:
        now = self.clock.now()
        if self._warned_at is None or not timedelta() <= now - self._warned_at < LOG_INTERVAL:
            self._warned_at = now
            fields = {"reason": str(error), "active": len(self.known.active(now))}
            _log.warning({"event": event, **fields})

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
