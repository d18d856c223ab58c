"""Open a session of the console with a passkey, which is a whole sign-in."""

from dataclasses import dataclass

from application.features.console.events import ConsoleSignInSucceeded
from application.features.console.sign_in import ConsoleSignedIn
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock, Randomness
from application.ports.versioned import ExpiringRecords
from domain.features.console.session import SECRET_BYTES, ConsoleSession, format_cookie
from domain.identities.identity import Identity
from domain.otp.challenge import CHALLENGE_ID_BYTES
from domain.secret_hash import hash_secret


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Open a session for somebody whose passkey was verified."""

    console_sessions: ExpiringRecords[ConsoleSession]
    clock: Clock
    randomness: Randomness
    events: SecurityEvents

    async def __call__(self, identity: Identity, passkey_id: str) -> ConsoleSignedIn:
        """Return the cookie of the session. No browser becomes known: no code is sent."""
        now, secret = self.clock.now(), self.randomness.bytes(SECRET_BYTES).hex()
        session = ConsoleSession(
            id=self.randomness.bytes(CHALLENGE_ID_BYTES).hex(),
            secret_hash=hash_secret(secret),
            identity_id=identity.id,
            session_version=identity.session_version,
            created_at=now,
            last_used_at=now,
            passkey_id=passkey_id,
        )
        await self.console_sessions.add(session)
        if identity.phone is not None:
            self.events.record(ConsoleSignInSucceeded(phone=identity.phone, user_id=identity.id))
        return ConsoleSignedIn(format_cookie(session.id, secret), None)
