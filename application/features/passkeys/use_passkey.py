"""Verify the use of a passkey."""

from dataclasses import dataclass, replace
from typing import NoReturn

from application.features.console.authenticate import is_open_staff
from application.features.passkeys.challenges import Challenges
from application.features.passkeys.events import PasskeyCountFell, PasskeyFailed
from application.features.passkeys.ports import Assertion, InvalidPasskeyResponse, RelyingParty
from application.ports.identities import Identities
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from application.update import change
from domain.features.passkeys.challenge import PasskeyPurpose
from domain.features.passkeys.errors import PasskeyRejected, SignCountFell
from domain.identifier import parse_identifier
from domain.identities.identity import Identity
from domain.identities.passkey import Passkey
from domain.otp.test_otps import TestOtps


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
