"""Taking a name that somebody may have."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from application.ports.errors import StoreUnavailable, UsernameTaken
from application.ports.identities import Identities
from application.swaps import ROUNDS
from domain.errors import UsernameInUse
from domain.identities.username import Username

T = TypeVar("T")


async def claim_username(
    identities: Identities, username: Username, now: datetime, save: Callable[[], Awaitable[T]]
) -> T:
    """Do `save`, which takes the name, as soon as no tombstone holds it too long.

    Raises:
        UsernameInUse: somebody has it, or left it less than 30 days ago.
        StoreUnavailable
    """
    for _ in range(ROUNDS):
        try:
            return await save()
        except UsernameTaken as error:
            holder = await identities.holder_of(username)
            if holder is None:
                continue
            if not holder.value.holds_username_no_more(now):
                raise UsernameInUse from error
            await identities.replace(holder.value.without_username(), holder.version)
    raise StoreUnavailable("too many requests for one username")
