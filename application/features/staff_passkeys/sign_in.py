"""Use a passkey of the staff to sign in to the console, and for what needs one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from application.features.console.sign_in import (
    ConsoleSignedIn,
    ConsoleSignInSucceeded,
    is_open_staff,
)
from application.features.passkeys.check_answer import VerifyPasskey
from application.features.passkeys.ports import RelyingParty
from application.ports.identities import Identities
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock, Randomness
from application.ports.versioned import ExpiringRecords
from application.update import change
from domain.features.console import SECRET_BYTES, ConsoleSession, format_cookie
from domain.features.passkeys import PasskeyPurpose, PasskeyRejected
from domain.identifier import parse_identifier
from domain.identities.identity import Identity
from domain.identities.passkey import Passkey
from domain.otp.challenge import CHALLENGE_ID_BYTES
from domain.otp.test_otps import TestOtps
from domain.secret_hash import hash_secret


@dataclass(frozen=True, slots=True, kw_only=True)
class UseStaffPasskey:
    """Verify a passkey of somebody of the staff, and record its use."""

    verify: VerifyPasskey
    identities: Identities
    test_otps: TestOtps
    clock: Clock

    async def __call__(
        self, relying_party: RelyingParty, response: str, purpose: PasskeyPurpose
    ) -> tuple[Identity, Passkey]:
        """Return the identity of the passkey, as it is now.

        Raises:
            PasskeyRejected
            ChallengeNotValid
        """
        verified = await self.verify(
            relying_party, response, purpose, parse_identifier, self._passkeys_of
        )
        now = self.clock.now()

        def record_use(identity: Identity) -> tuple[Identity, Identity]:
            used = self.verify.record_use(verified, self._passkeys_of(identity), now)
            staff = replace(identity.staff, passkeys=used)
            changed = replace(identity, staff=staff).mark_used(now)
            return changed, changed

        identity_id = verified.identity.id
        changed = await change(self.identities, identity_id, record_use, missing=PasskeyRejected)
        return changed, verified.passkey

    def _passkeys_of(self, identity: Identity) -> Sequence[Passkey]:
        return identity.staff.passkeys if is_open_staff(identity, self.test_otps) else ()


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
