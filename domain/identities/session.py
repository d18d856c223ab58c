"""A session: what an access token belongs to, and what signing out ends."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

MOST_SESSIONS: Final = 20
LONGEST_DEVICE: Final = 200


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in on one device, until it is ended or `expires`."""

    id: str
    created: datetime
    expires: datetime
    device: str | None = None
