from dataclasses import dataclass

from application.ports.errors import StorageUnavailable
from application.ports.identities import Identities
from domain.errors import Unavailable, UserNotFound
from domain.identities.identity import Identity


@dataclass(frozen=True, slots=True)
class GetUser:
    """Give a user; an identity that has not become one, or is deleted, is not found."""

    identities: Identities

    async def __call__(self, user_id: str) -> Identity:
        """Raises UserNotFound, Unavailable."""
        try:
            loaded = await self.identities.load(user_id)
        except StorageUnavailable as error:
            raise Unavailable from error
        if loaded is None or loaded.value.is_deleted or loaded.value.user is None:
            raise UserNotFound
        return loaded.value
