from contextlib import suppress
from dataclasses import dataclass

from application.ports.access_tokens import AccessTokens
from application.ports.clock import Clock
from application.ports.errors import InvalidToken, StorageUnavailable
from application.ports.identities import Identities
from application.ports.versioned import Versioned
from domain.errors import Unauthenticated, Unavailable
from domain.identities.identity import Identity
from domain.identities.session import Session


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling: the identity as it is now, and the session of the token shown."""

    identity: Identity
    session: Session


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Find out who shows an access token.

    The identity is read each time, so that signing out, deleting and a change of role act at
    once, for every token, whatever its life. That a session is in use is noted once a day.
    """

    tokens: AccessTokens
    identities: Identities
    clock: Clock

    async def __call__(self, token: str) -> Principal:
        """Raises Unauthenticated, Unavailable."""
        now = self.clock.now()
        try:
            claims = self.tokens.verify(token, now)
            loaded = await self.identities.load(claims.identity_id)
        except InvalidToken as error:
            raise Unauthenticated from error
        except StorageUnavailable as error:
            raise Unavailable from error
        session = loaded.value.find_session(claims.session_id, now) if loaded else None
        if loaded is None or session is None:
            raise Unauthenticated
        if session.should_record_use(now):
            await self._note(loaded, session.record_use(now))
        return Principal(loaded.value, session)

    async def _note(self, loaded: Versioned[Identity], session: Session) -> None:
        # Who is quicker notes it as well, and where it cannot be noted the next request tries.
        with suppress(StorageUnavailable):
            await self.identities.replace(loaded.value.replace_session(session), loaded.version)
