from collections.abc import Sequence
from dataclasses import dataclass

from application.identities.authenticate import Principal
from application.ports.clock import Clock
from domain.identities.session import Session


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session as its owner sees it; `is_current` marks the one that asks."""

    session: Session
    is_current: bool


@dataclass(frozen=True, slots=True)
class ListSessions:
    """Show the caller where they are signed in, the latest used first."""

    clock: Clock

    async def __call__(self, principal: Principal) -> Sequence[ListedSession]:
        """Give the living sessions, as they were when the caller was let in."""
        now = self.clock.now()
        living = sorted(
            principal.identity.active_sessions(now),
            key=lambda one: (one.last_seen_at, one.created_at, one.id),
            reverse=True,
        )
        return [ListedSession(one, one.id == principal.session.id) for one in living]
