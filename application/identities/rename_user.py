from dataclasses import dataclass

from application.identities.authenticate import Principal
from application.identities.reserve_username import reserve_username
from application.ports.clock import Clock
from application.ports.errors import StorageUnavailable
from application.ports.identities import Identities
from application.update import update_identity
from domain.errors import Unavailable, UserNotFound
from domain.identities.identity import Identity
from domain.identities.username import Username


@dataclass(frozen=True, slots=True)
class RenameUser:
    """Give the caller another name; the one before is free at once."""

    identities: Identities
    clock: Clock

    async def __call__(self, principal: Principal, username: Username) -> Identity:
        """Raises UserNotFound, UsernameInUse, Unauthenticated, Unavailable."""
        now = self.clock.now()

        def change(identity: Identity) -> Identity:
            if identity.user is None:
                raise UserNotFound
            return identity.set_username(username, now)

        async def save() -> Identity:
            return await update_identity(self.identities, principal.identity.id, change)

        try:
            return await reserve_username(self.identities, username, now, save)
        except StorageUnavailable as error:
            raise Unavailable from error
