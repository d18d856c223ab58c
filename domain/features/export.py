"""How often people may export their own data, and the links of the staff to an export."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.errors import DomainError, TooManyExports
from domain.otp.sliding_window import whole_seconds

EXPORT_INTERVAL: Final = timedelta(days=1)
EXPORT_REPEAT_PERIOD: Final = timedelta(hours=1)
LOST_TRANSFER_PERIOD: Final = timedelta(minutes=2)
"""After this time, a transfer without an end may be that of a killed process."""
MAX_EXPORT_TRANSFERS: Final = 5
"""Transfers of one export: the first, and repeats of broken ones."""
EXPORT_LINK_TTL: Final = timedelta(minutes=1)
EXPORT_LINK_SECRET_BYTES: Final = 32


class ExportLinkNotValid(DomainError):
    """The link was used, is too old, or is not of this browser and its session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportLink:
    """A link by which the browser of somebody of the staff downloads an export, once.

    Attributes:
        id: The hash of its secret.
        operator_id: Who made it, in the session `session_id`.
        reason: Why, for the audit.
    """

    id: str
    operator_id: str
    session_id: str
    user_id: str
    reason: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DataExport:
    """The latest export of a person's own data. It is kept until the next one is possible.

    Attributes:
        started_at: When its first transfer began.
        is_complete: Whether a transfer was sent to its end.
        last_began_at: When the last transfer began; None if it broke.
    """

    id: str
    started_at: datetime
    transfers: int = 1
    is_complete: bool = False
    last_began_at: datetime | None = None

    @property
    def expires_at(self) -> datetime:
        """When the next one is possible."""
        return self.started_at + EXPORT_INTERVAL

    def repeat(self, now: datetime) -> "DataExport":
        """Return the export after the person asks again.

        A day after an export began, a new one begins. Within an hour, a broken one is repeated.
        An export that is under way counts as one that will be complete.

        Raises:
            TooManyExports
        """
        if now >= self.expires_at:
            return DataExport(self.id, now, last_began_at=now)
        is_under_way = (
            self.last_began_at is not None and now - self.last_began_at < LOST_TRANSFER_PERIOD
        )
        is_over = self.is_complete or now - self.started_at >= EXPORT_REPEAT_PERIOD
        if is_over or is_under_way or self.transfers >= MAX_EXPORT_TRANSFERS:
            raise TooManyExports(whole_seconds(now, self.expires_at))
        return replace(self, transfers=self.transfers + 1, last_began_at=now)

    def end(self, *, is_complete: bool) -> "DataExport":
        is_complete = self.is_complete or is_complete
        return replace(self, is_complete=is_complete, last_began_at=None)
