"""Release the permits of a reservation."""

from contextlib import suppress

from application.ports.errors import StorageError
from application.ports.otp import RateLimiter
from domain.otp.rate_limits import Reservation


async def release_permits(rate_limiter: RateLimiter, reservation: Reservation | None) -> None:
    """Release permits. Where that fails they expire."""
    if reservation is not None:
        with suppress(StorageError):
            await rate_limiter.release(reservation)
