"""Quotas: what each user may have in the library."""

from dataclasses import dataclass

from domain.errors import QuotaExceeded


@dataclass(frozen=True, slots=True)
class MediaUsage:
    """What one user has in the library: bytes of published files without variants, and items."""

    bytes: int
    items: int


@dataclass(frozen=True, slots=True)
class Quota:
    """What one user may have in the library: bytes of published files, and items."""

    max_bytes: int = 5_000_000_000
    max_items: int = 10_000

    def check(self, used: MediaUsage, more_bytes: int = 1) -> None:
        """Check whether one more item of this size is within the quota.

        Raises:
            QuotaExceeded
        """
        if used.bytes + more_bytes > self.max_bytes or used.items >= self.max_items:
            raise QuotaExceeded(
                used_bytes=used.bytes,
                allowed_bytes=self.max_bytes,
                used_items=used.items,
                allowed_items=self.max_items,
            )
