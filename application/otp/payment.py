"""Paying for something out of budgets that many share, once, however often it is tried."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from application.ports.errors import StorageUnavailable
from application.ports.rate_limiter import RateLimiter
from domain.otp.rate_limits import Reservation


class RateLimitReached(Exception):
    """A budget of the draw has no room before `free_at`."""

    def __init__(self, free_at: datetime) -> None:
        super().__init__("a budget is spent")
        self.free_at = free_at


@dataclass(slots=True)
class Payment:
    """A draw that is made when it is first needed, and given back when it was for nothing."""

    rate_limiter: RateLimiter
    draw: Reservation
    is_made: bool = False

    async def make(self) -> None:
        """Take the slots, unless they are taken.

        Raises:
            RateLimitReached
            StorageUnavailable
        """
        if self.is_made:
            return
        free_at = await self.rate_limiter.acquire(self.draw)
        if free_at is not None:
            raise RateLimitReached(free_at)
        self.is_made = True

    async def refund(self) -> None:
        """Give the slots back if they are taken; where that fails they lapse by themselves."""
        if self.is_made:
            with suppress(StorageUnavailable):
                await self.rate_limiter.release(self.draw)
