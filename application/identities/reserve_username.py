"""Taking a name that somebody may have."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from application.ports.errors import StorageUnavailable, UniqueViolation
from application.ports.identities import Identities
from application.update import MAX_RETRIES
from domain.errors import UsernameInUse
from domain.identities.username import Username

T = TypeVar("T")


async def reserve_username(
    identities: Identities, username: Username, now: datetime, save: Callable[[], Awaitable[T]]
) -> T:
    """Do `save`, which takes the name, as soon as no tombstone holds it too long.

    Raises:
        UsernameInUse: somebody has it, or left it less than 30 days ago.
        StorageUnavailable
    """
    for _ in range(MAX_RETRIES):
        try:
            return await save()
        except UniqueViolation as error:
            holder = await identities.find_by_username(username)
            if holder is None:
                continue
            if not holder.value.is_username_released(now):
                raise UsernameInUse from error
            await identities.replace(holder.value.release_username(), holder.version)
    raise StorageUnavailable("too many requests for one username")
