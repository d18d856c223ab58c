from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """Whose token it is, of which session, and until when."""

    identity_id: str
    session_id: str
    issued_at: datetime
    expires_at: datetime


class AccessTokens(Protocol):
    """Signed tokens that a client shows with each request."""

    def issue(self, claims: TokenClaims) -> str:
        """Sign the claims with the current key."""
        ...

    def verify(self, token: str, now: datetime) -> TokenClaims:
        """Give the claims of a token that one of our keys signed and whose time is not over.

        Raises:
            InvalidToken
        """
        ...
