"""A request about a call that came, kept so that it counts at one URL only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

USED_WEBHOOK_TTL: Final = timedelta(days=1)
"""How long it is kept: longer than any call, and than a provider repeats its requests."""


@dataclass(frozen=True, slots=True)
class UsedWebhook:
    """A request that came.

    Attributes:
        id: A keyed hash of what tells it from others, which may have a phone number.
    """

    id: str
    url_hash: str
    expires_at: datetime
