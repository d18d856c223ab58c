"""The principal: who is calling."""

from dataclasses import dataclass

from domain.identities.identity import Identity
from domain.identities.session import Session


@dataclass(frozen=True, slots=True)
class Principal:
    """The identity that is calling, as it is now, and the session of its access token."""

    identity: Identity
    session: Session
