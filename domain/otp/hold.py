"""The hold of a phone for the identity that changed it to another one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final


@dataclass(frozen=True, slots=True)
class Hold:
    """For whom a phone is held. An empty one holds it for nobody.

    Until `undo_until` the identity may get the phone back, and nobody else gets it.
    """

    identity_id: str | None = None
    undo_until: datetime | None = None

    def is_active(self, now: datetime) -> bool:
        return self.undo_until is not None and now < self.undo_until

    def prune(self, now: datetime) -> "Hold":
        return self if self.is_active(now) else NO_HOLD


NO_HOLD: Final = Hold()
