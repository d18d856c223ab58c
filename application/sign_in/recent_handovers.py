"""How handing a message over went lately, so that what is not handed over can look the same."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Iterator
from itertools import cycle
from typing import Final

from application.ports.messenger import Handover, Outcome

MOST_KEPT: Final = 32


class RecentHandovers:
    """The outcomes and durations of this process's latest messages.

    A blocked phone must get the answers that any phone gets, in the time that any phone waits for
    them. So what is withheld from it goes as the latest message went, and takes as long as
    one that went like that. It is kept by each process for itself; nothing is decided by it.
    """

    def __init__(self) -> None:
        self._recent: deque[tuple[Outcome, float]] = deque(maxlen=MOST_KEPT)
        self._latest = Handover(Outcome.ACCEPTED)
        self._turns: Iterator[int] = cycle(range(MOST_KEPT))

    async def noting(self, sending: Awaitable[Handover]) -> Handover:
        """Wait for a message to be handed over, and note how that goes."""
        time = asyncio.get_running_loop().time
        began = time()
        handover = await sending
        # A bad number says something of that phone alone.
        if handover.outcome is not Outcome.BAD_NUMBER:
            self._recent.append((handover.outcome, time() - began))
            self._latest = handover
        return handover

    async def as_of_late(self) -> Handover:
        """Wait as long as for a message that goes as the latest did, and give that outcome."""
        alike = [seconds for outcome, seconds in self._recent if outcome is self._latest.outcome]
        if alike:
            await asyncio.sleep(alike[next(self._turns) % len(alike)])
        return self._latest
