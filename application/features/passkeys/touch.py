"""A touch: a fresh answer of a passkey of the staff, in the request that it is for."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.features.passkeys.check_answer import RelyingParty, VerifiedPasskey, VerifyPasskey
from application.ports.identities import Identities
from application.principal import Principal
from application.update import change
from domain.errors import Unauthenticated
from domain.features.passkeys import (
    PasskeyPurpose,
    PasskeyRejected,
    TouchPurpose,
    TouchRequired,
    find_usable,
)
from domain.identifier import parse_identifier
from domain.identities.identity import Identity
from domain.identities.passkey import Passkey
from domain.otp.fixed_codes import FixedCodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """Ask for a touch, and verify it.

    The token of a session is not enough for what lasts longer than the session. A thief would add a
    passkey made in software, and keep the owner out.
    """

    relying_party: RelyingParty
    verify: VerifyPasskey
    identities: Identities
    fixed_codes: FixedCodes

    def start(self, principal: Principal, purpose: TouchPurpose) -> str:
        """Return what `navigator.credentials.get` gets, as JSON."""
        subject = _subject_of(principal, purpose)
        challenge = self.verify.challenges.make(PasskeyPurpose.TOUCH, subject)
        return self.relying_party.request_options(challenge)

    async def __call__(
        self, principal: Principal, purpose: TouchPurpose, response: str | None
    ) -> VerifiedPasskey:
        """Verify a touch of the principal in this session, for this purpose. It is used once.

        Raises:
            TouchRequired: There is none.
            PasskeyRejected, ChallengeNotValid
        """
        if response is None:
            raise TouchRequired
        verified = await self.verify(
            self.relying_party,
            response,
            PasskeyPurpose.TOUCH,
            parse_identifier,
            self._passkeys_of,
            _subject_of(principal, purpose),
        )
        if verified.identity.id != principal.identity.id:
            raise PasskeyRejected
        return verified

    def record_use(
        self, verified: VerifiedPasskey, principal: Principal, current: Identity
    ) -> Identity:
        """Return the identity after the touch. The write that needs the touch calls it.

        Raises:
            Unauthenticated: The session has ended meanwhile.
            PasskeyRejected: The passkey was removed meanwhile.
        """
        now = self.verify.challenges.clock.now()
        if current.find_session(principal.session.id, now) is None:
            raise Unauthenticated
        return self.verify.record_use(verified, self._passkeys_of(current), current, now)

    async def save(self, verified: VerifiedPasskey, principal: Principal) -> None:
        """Record the use of a touch for an act on another identity."""

        def use(current: Identity) -> tuple[Identity, None]:
            return self.record_use(verified, principal, current), None

        await change(self.identities, principal.identity.id, use, missing=Unauthenticated)

    def _passkeys_of(self, identity: Identity) -> Sequence[Passkey]:
        return find_usable(identity, self.fixed_codes)


def _subject_of(principal: Principal, purpose: TouchPurpose) -> str:
    return f"{principal.identity.id} {principal.session.id} {purpose}"
