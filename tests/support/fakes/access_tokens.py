import base64
import binascii
import hashlib
import json
from datetime import UTC, datetime

from application.ports.errors import InvalidToken
from application.ports.keys import TokenClaims


class FakeAccessTokens:
    """Access tokens with readable claims and a MAC."""

    def __init__(self, key: bytes = b"the only key") -> None:
        self._key = key

    def issue(self, claims: TokenClaims) -> str:
        members = [
            claims.identity_id,
            claims.session_id,
            int(claims.issued_at.timestamp()),
            int(claims.expires_at.timestamp()),
            claims.generation,
        ]
        content = base64.urlsafe_b64encode(json.dumps(members).encode()).decode()
        return f"{content}.{self._tag(content)}"

    def verify(self, token: str, now: datetime) -> TokenClaims:
        content, _, tag = token.partition(".")
        if tag != self._tag(content):
            raise InvalidToken("not a token of ours")
        try:
            members = json.loads(base64.urlsafe_b64decode(content))
        except (ValueError, binascii.Error) as error:
            raise InvalidToken("not a token") from error
        issued, expires = (datetime.fromtimestamp(seconds, UTC) for seconds in members[2:4])
        if now >= expires:
            raise InvalidToken("expired")
        return TokenClaims(members[0], members[1], issued, expires, members[4])

    def _tag(self, content: str) -> str:
        text = content.encode(errors="backslashreplace")
        return hashlib.blake2b(text, key=self._key, digest_size=16).hexdigest()
