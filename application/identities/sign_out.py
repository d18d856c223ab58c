from dataclasses import dataclass

from application.identities.authenticate import Caller
from application.ports.errors import StoreUnavailable
from application.ports.identities import Identities
from application.swaps import change_identity
from domain.errors import Unavailable
from domain.identities.identity import Identity


@dataclass(frozen=True, slots=True)
class SignOut:
    """End the caller's session; its token stops with this one write."""

    identities: Identities

    async def __call__(self, caller: Caller) -> None:
        """Raises Unauthenticated, Unavailable."""

        def change(identity: Identity) -> Identity:
            return identity.signed_out(caller.session.id)

        try:
            await change_identity(self.identities, caller.identity.id, change)
        except StoreUnavailable as error:
            raise Unavailable from error
