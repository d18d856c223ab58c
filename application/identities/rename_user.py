from dataclasses import dataclass

from application.identities.authenticate import Caller
from application.identities.username_claims import claim_username
from application.ports.clock import Clock
from application.ports.errors import StoreUnavailable
from application.ports.identities import Identities
from application.swaps import change_identity
from domain.errors import Unavailable, UserNotFound
from domain.identities.identity import Identity
from domain.identities.username import Username


@dataclass(frozen=True, slots=True)
class RenameUser:
    """Give the caller another name; the one before is free at once."""

    identities: Identities
    clock: Clock

    async def __call__(self, caller: Caller, username: Username) -> Identity:
        """Raises UserNotFound, UsernameInUse, Unauthenticated, Unavailable."""
        now = self.clock.now()

        def change(identity: Identity) -> Identity:
            if identity.user is None:
                raise UserNotFound
            return identity.named(username, now)

        async def save() -> Identity:
            return await change_identity(self.identities, caller.identity.id, change)

        try:
            return await claim_username(self.identities, username, now, save)
        except StoreUnavailable as error:
            raise Unavailable from error
