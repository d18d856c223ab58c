"""Challenges, and the check of what authenticators answer: for users and for the staff."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NoReturn, Protocol

from application.features.passkeys.events import PasskeyCountFell, PasskeyFailed
from application.ports.identities import Identities
from application.ports.keys import KeyRing
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock, Randomness
from application.ports.versioned import ExpiringRecords
from domain.features.passkeys import (
    RANDOM_BYTES,
    ChallengeNotValid,
    NewPasskeyRejected,
    PasskeyPurpose,
    PasskeyRejected,
    SignCountFell,
    UsedPasskeyChallenge,
    make_challenge,
    verify_challenge,
)
from domain.identities.identity import Identity
from domain.identities.passkey import Passkey, find_passkey


class InvalidPasskeyResponse(Exception):
    """A response proves nothing. The text says why, for operators: no secret, no phone number."""


@dataclass(frozen=True, slots=True)
class CreatedCredential:
    """A credential that an authenticator made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a response says of itself. Nothing of it is proved before `verify_assertion`.

    Attributes:
        user_handle: Whose credential it is.
        credential_id: Which one.
        challenge: What it signed.
    """

    user_handle: str
    credential_id: bytes
    challenge: bytes


class RelyingParty(Protocol):
    """This service, as authenticators see it (WebAuthn).

    The user is verified: options ask for it, and no response without it is valid.
    """

    @property
    def rp_id(self) -> str:
        """The host name, or a domain above it, that its credentials belong to."""
        ...

    def creation_options(
        self, user_handle: str, name: str, challenge: bytes, known: Sequence[bytes]
    ) -> str:
        """Return what `navigator.credentials.create` gets, as JSON.

        Args:
            user_handle: Whose credential it is. An authenticator has one for each.
            name: What the authenticator shows.
            challenge: What it signs.
            known: The credentials that the identity has: their authenticators make no other.
        """
        ...

    def request_options(self, challenge: bytes) -> str:
        """Return what `navigator.credentials.get` gets, as JSON: any discoverable one."""
        ...

    def read_creation(self, response: str) -> bytes:
        """Return the challenge of a response to `create`, which is not verified.

        Raises:
            InvalidPasskeyResponse
        """
        ...

    def read_assertion(self, response: str) -> Assertion:
        """Return what a response to `get` says of itself.

        Raises:
            InvalidPasskeyResponse
        """
        ...

    def verify_creation(self, response: str, challenge: bytes) -> CreatedCredential:
        """Verify a response to `create`. The authenticator's maker is not verified.

        The key can be used: it can be built, and fits its algorithm.

        Raises:
            InvalidPasskeyResponse
        """
        ...

    def verify_assertion(self, response: str, challenge: bytes, public_key: bytes) -> int:
        """Verify a response to `get`, and return its sign count, which the caller judges.

        Raises:
            InvalidPasskeyResponse
        """
        ...


@dataclass(frozen=True, slots=True)
class Challenges:
    """Challenges for browsers and apps. Only one whose response was verified is stored, as used."""

    used: ExpiringRecords[UsedPasskeyChallenge]
    keys: KeyRing
    clock: Clock
    randomness: Randomness

    def make(self, purpose: PasskeyPurpose, subject: str = "") -> bytes:
        random = self.randomness.bytes(RANDOM_BYTES)
        return make_challenge(purpose, subject, random, self.keys.signing().key, self.clock.now())

    def check(
        self, text: bytes, purpose: PasskeyPurpose, subject: str = ""
    ) -> UsedPasskeyChallenge:
        """Return what is stored of a valid challenge when it is used.

        Raises:
            ChallengeNotValid
        """
        keys = [key.key for key in self.keys.accepted()]
        return verify_challenge(text, purpose, subject, keys, self.clock.now())

    async def use(self, challenge: UsedPasskeyChallenge) -> None:
        """Use a challenge whose response was verified. Of two at once, one wins.

        Raises:
            ChallengeNotValid
        """
        if not await self.used.add(challenge):
            raise ChallengeNotValid


@dataclass(frozen=True, slots=True)
class VerifiedPasskey:
    """A passkey of an identity that has just signed a challenge, which is used now."""

    identity: Identity
    passkey: Passkey
    sign_count: int
    challenge_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyPasskey:
    """Find and verify the passkey of a response, and use its challenge.

    Strangers get the same error whatever is wrong. The event says it.
    """

    challenges: Challenges
    identities: Identities
    events: SecurityEvents

    async def __call__(
        self,
        relying_party: RelyingParty,
        response: str,
        purpose: PasskeyPurpose,
        parse_handle: Callable[[str], str | None],
        passkeys_of: Callable[[Identity], Sequence[Passkey]],
        subject: str = "",
    ) -> VerifiedPasskey:
        """Verify a response to a challenge for this purpose and subject.

        `parse_handle` returns the id of the identity of a user handle, or None; `passkeys_of` the
        passkeys that are valid for this.

        Raises:
            PasskeyRejected
            ChallengeNotValid
        """
        try:
            assertion = relying_party.read_assertion(response)
        except InvalidPasskeyResponse as error:
            self._reject(f"the response cannot be read: {error}")
        challenge = self.challenges.check(assertion.challenge, purpose, subject)
        identity_id = parse_handle(assertion.user_handle)
        loaded = await self.identities.load(identity_id) if identity_id else None
        if loaded is None:
            self._reject("nobody has it")
        identity = loaded.value
        known = {passkey.credential_id: passkey for passkey in passkeys_of(identity)}
        passkey = known.get(assertion.credential_id)
        if passkey is None:
            self._reject("unknown passkey", identity.id)
        try:
            sign_count = relying_party.verify_assertion(
                response, assertion.challenge, passkey.public_key
            )
        except InvalidPasskeyResponse as error:
            self._reject(f"not verified: {error}", identity.id)
        await self.challenges.use(challenge)
        return VerifiedPasskey(identity, passkey, sign_count, challenge.id)

    def record_use(
        self, verified: VerifiedPasskey, valid: Sequence[Passkey], identity: Identity, now: datetime
    ) -> Identity:
        """Return the identity as it is now, after the use of one of its valid passkeys.

        The write of the identity calls it: so a copy of the authenticator does not pass beside it.

        Raises:
            PasskeyRejected: It was removed meanwhile.
            SignCountFell
        """
        passkey = find_passkey(valid, verified.passkey.id)
        if passkey is None:
            self._reject("removed meanwhile", verified.identity.id)
        if not passkey.accepts_count(verified.sign_count):
            user_id = verified.identity.id
            self.events.record(PasskeyCountFell(user_id=user_id, passkey_id=passkey.id))
            raise SignCountFell
        used = passkey.use(verified.sign_count, now)
        passkeys = tuple(used if each.id == used.id else each for each in identity.passkeys)
        return replace(identity, passkeys=passkeys)

    def _reject(self, reason: str, user_id: str | None = None) -> NoReturn:
        self.events.record(PasskeyFailed(user_id=user_id, reason=reason))
        raise PasskeyRejected


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyNewPasskey:
    """Verify the response of an authenticator that made a passkey, and use its challenge."""

    challenges: Challenges
    clock: Clock
    events: SecurityEvents

    async def __call__(
        self,
        relying_party: RelyingParty,
        response: str,
        purpose: PasskeyPurpose,
        subject: str,
        identity: Identity,
        name: str,
    ) -> Passkey:
        """Return the passkey, which the caller adds.

        Raises:
            NewPasskeyRejected
            ChallengeNotValid
        """
        try:
            text = relying_party.read_creation(response)
            challenge = self.challenges.check(text, purpose, subject)
            created = relying_party.verify_creation(response, text)
        except InvalidPasskeyResponse as error:
            self.events.record(PasskeyFailed(user_id=identity.id, reason=f"not added: {error}"))
            raise NewPasskeyRejected from None
        await self.challenges.use(challenge)
        return Passkey(
            credential_id=created.credential_id,
            public_key=created.public_key,
            sign_count=created.sign_count,
            name=name,
            created_at=self.clock.now(),
        )
