"""Use a passkey to sign in, and for what needs one."""

from dataclasses import dataclass, replace
from typing import NoReturn

from application.features.console.sign_in import (
    ConsoleSignedIn,
    ConsoleSignInSucceeded,
    is_open_staff,
)
from application.features.passkeys.ports import Assertion, InvalidPasskeyResponse, RelyingParty
from application.ports.identities import Identities
from application.ports.security_events import SecurityEvent, SecurityEvents
from application.ports.system import Clock, Randomness
from application.ports.versioned import ExpiringRecords
from application.update import change
from domain.features.console import SECRET_BYTES, ConsoleSession, format_cookie
from domain.features.passkeys import (
    CHALLENGE_BYTES,
    ChallengeNotValid,
    PasskeyChallenge,
    PasskeyPurpose,
    PasskeyRejected,
    SignCountFell,
    hash_challenge,
)
from domain.identifier import parse_identifier
from domain.identities.identity import Identity
from domain.identities.passkey import Passkey
from domain.otp.challenge import CHALLENGE_ID_BYTES
from domain.otp.test_otps import TestOtps
from domain.phone import PhoneNumber
from domain.secret_hash import hash_secret


@dataclass(frozen=True, kw_only=True)
class PasskeyAdded(SecurityEvent):
    """Somebody of the staff added a passkey. The reason says by which invitation."""

    name = "passkey_added"
    is_warning = True
    phone: PhoneNumber | None
    user_id: str
    passkey_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PasskeyRemoved(SecurityEvent):
    """A passkey was removed, by its owner or by an operator."""

    name = "passkey_removed"
    phone: PhoneNumber | None
    user_id: str
    passkey_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PasskeyFailed(SecurityEvent):
    """A response with a passkey proved nothing. The user is who it claims to be of, if known."""

    name = "passkey_rejected"
    is_warning = True
    max_lines_a_minute = 100
    user_id: str | None = None
    reason: str


@dataclass(frozen=True, kw_only=True)
class PasskeyCountFell(SecurityEvent):
    """The signature was right, but its count did not rise: the authenticator may have a copy."""

    name = "passkey_count_fell"
    is_warning = True
    user_id: str
    passkey_id: str


@dataclass(frozen=True, slots=True)
class Challenges:
    """The challenges that browsers got, and did not use."""

    challenges: ExpiringRecords[PasskeyChallenge]
    clock: Clock
    randomness: Randomness

    async def make(self, purpose: PasskeyPurpose, invitation_id: str = "") -> bytes:
        challenge = self.randomness.bytes(CHALLENGE_BYTES)
        made = PasskeyChallenge(
            id=hash_challenge(challenge),
            purpose=purpose,
            invitation_id=invitation_id,
            created_at=self.clock.now(),
        )
        await self.challenges.add(made)
        return challenge

    async def use(self, challenge: bytes, purpose: PasskeyPurpose, invitation_id: str = "") -> None:
        """Use a challenge: nobody can use it again, whatever becomes of the response.

        Raises:
            ChallengeNotValid
        """
        challenge_id = hash_challenge(challenge)
        loaded = await self.challenges.load(challenge_id)
        if loaded is None:
            raise ChallengeNotValid
        # Of two at once, one deletes the record.
        is_ours = await self.challenges.delete(challenge_id, loaded.version)
        found = loaded.value
        is_same = (found.purpose, found.invitation_id) == (purpose, invitation_id)
        if not is_ours or not is_same or self.clock.now() >= found.expires_at:
            raise ChallengeNotValid


@dataclass(frozen=True, slots=True, kw_only=True)
class UsePasskey:
    """Find and verify the passkey of a response, and record its use.

    - The challenge is used first. So a response is looked at once, and only for its purpose.
    - Strangers get the same error whatever is wrong. The event says it.
    - The count of two uses at once is compared and written as one: a copy of the authenticator
      does not pass beside it.
    """

    challenges: Challenges
    identities: Identities
    test_otps: TestOtps
    clock: Clock
    events: SecurityEvents

    async def __call__(
        self, relying_party: RelyingParty, response: str, purpose: PasskeyPurpose
    ) -> tuple[Identity, Passkey]:
        """Return the identity of the passkey, as it is now."""
        try:
            assertion = relying_party.read_assertion(response)
        except InvalidPasskeyResponse as error:
            self._reject(f"the response cannot be read: {error}")
        await self.challenges.use(assertion.challenge, purpose)
        identity, passkey = await self._find(assertion)
        try:
            sign_count = relying_party.verify_assertion(
                response, assertion.challenge, passkey.public_key
            )
        except InvalidPasskeyResponse as error:
            self._reject(f"not verified: {error}", identity.id)
        return await self._record_use(identity.id, passkey.id, sign_count)

    async def _find(self, assertion: Assertion) -> tuple[Identity, Passkey]:
        identity_id = parse_identifier(assertion.identity_id)
        loaded = await self.identities.load(identity_id) if identity_id else None
        if loaded is None:
            self._reject("nobody has it")
        identity = loaded.value
        if not is_open_staff(identity, self.test_otps):
            self._reject("no role", identity.id)
        known = {passkey.credential_id: passkey for passkey in identity.staff.passkeys}
        passkey = known.get(assertion.credential_id)
        if passkey is None:
            self._reject("unknown passkey", identity.id)
        return identity, passkey

    async def _record_use(
        self, identity_id: str, passkey_id: str, sign_count: int
    ) -> tuple[Identity, Passkey]:
        now = self.clock.now()

        def record_use(identity: Identity) -> tuple[Identity, tuple[Identity, Passkey]]:
            passkey = identity.staff.find_passkey(passkey_id)
            if passkey is None or not is_open_staff(identity, self.test_otps):
                raise PasskeyRejected  # it was removed meanwhile
            if not passkey.accepts_count(sign_count):
                raise SignCountFell
            used = passkey.use(sign_count, now)
            staff = identity.staff.use_passkey(used)
            changed = replace(identity, staff=staff).mark_used(now)
            return changed, (changed, used)

        try:
            return await change(self.identities, identity_id, record_use, missing=PasskeyRejected)
        except SignCountFell:
            self.events.record(PasskeyCountFell(user_id=identity_id, passkey_id=passkey_id))
            raise

    def _reject(self, reason: str, user_id: str | None = None) -> NoReturn:
        self.events.record(PasskeyFailed(user_id=user_id, reason=reason))
        raise PasskeyRejected


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
