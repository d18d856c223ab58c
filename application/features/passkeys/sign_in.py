"""Sign in with a passkey instead of a code."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.features.passkeys.check_answer import RelyingParty, VerifiedPasskey, VerifyPasskey
from application.features.passkeys.events import PasskeyFailed, PasskeyLoginSucceeded
from application.identities.additions import PASSKEY_CHANNEL, IdentityAdditions, PendingLogin
from application.identities.events import LoginRejectedByHook
from application.identities.session_factory import SESSION_ID_BYTES, SessionFactory
from application.otp.events import BlockedLogin
from application.otp.log_in import LoggedIn, ask_login_hook
from application.otp.use_cases import LimitUseCases
from application.ports.identities import Identities
from application.ports.keyed_hashes import KeyedHashes
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock, Randomness
from application.update import change
from domain.errors import AccountBlocked, LoginRejected, TooManyAttemptsFromIp
from domain.features.passkeys import PasskeyPurpose, PasskeyRejected, parse_user_handle
from domain.identities.device_token import DEVICE_TOKEN_TTL, DeviceToken, RecognizedDevice
from domain.identities.identity import Identity
from domain.identities.passkey import Passkey
from domain.identities.session import AuthMethod
from domain.otp.attempts import LoginRejection
from domain.otp.fixed_codes import FixedCodes
from domain.otp.sliding_window import whole_seconds
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeySignInCommand:
    """What an authenticator answered, and what its client gets."""

    response: str
    client_ip: str
    device: str | None = None
    device_token: DeviceToken | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInByPasskey:
    """Exchange the answer of an authenticator for a session with refresh tokens.

    - The phone's verification is not involved: no attempt, no permit, no cooldown.
    - The attempts of an IP are limited with those of codes. A right answer does not count.
    - That the account is blocked is an error after a right answer only.
    - It counts as use: an account is not taken for recycled, however long it was unused.
    - The login hook is asked after the challenge was used. If the hook does not decide, the client
      starts over.
    """

    relying_party: RelyingParty
    verify: VerifyPasskey
    identities: Identities
    sessions: SessionFactory
    additions: IdentityAdditions
    limits: LimitUseCases
    keyed_hashes: KeyedHashes
    fixed_codes: FixedCodes
    clock: Clock
    randomness: Randomness
    events: SecurityEvents

    def start(self, client_ip: str) -> str:
        """Return what `navigator.credentials.get` gets, as JSON.

        Raises:
            TooManyAttemptsFromIp: The network is blocked.
        """
        self._check_network(client_ip)
        return self.relying_party.request_options(
            self.verify.challenges.make(PasskeyPurpose.SIGN_IN)
        )

    async def __call__(self, command: PasskeySignInCommand) -> LoggedIn:
        """Sign in.

        Raises:
            PasskeyRejected, ChallengeNotValid, AccountBlocked, LoginRejected
            TooManyAttemptsFromIp
        """
        verified = await self._verify(command)
        identity, now = verified.identity, self.clock.now()
        phone = self._check_not_blocked(identity)
        session = self.sessions.start(
            self.randomness.bytes(SESSION_ID_BYTES).hex(),
            now,
            command.device,
            with_refresh=True,
            network=self.keyed_hashes.hash_client_ip(command.client_ip).network,
            method=AuthMethod.PASSKEY,
            claims=await self._ask_login_hook(verified, phone, command),
        )
        # Before the write: without them there is no token, and so no session.
        claims = await self.sessions.load_claims(identity.id, session)
        token = command.device_token
        is_known = token is not None and identity.has_device(token, now)
        device_token = self.sessions.make_device_token(
            identity.id, session.id, token if is_known else None
        )
        device = RecognizedDevice(device_token.device_id, session.id, now + DEVICE_TOKEN_TTL)

        def sign_in(current: Identity) -> tuple[Identity, Identity]:
            used = self.verify.record_use(verified, self._passkeys_of(current), current, now)
            self._check_not_blocked(current)
            changed = used.add_session(session, device=device)
            return changed, changed

        identity = await change(self.identities, identity.id, sign_in, missing=PasskeyRejected)
        self.events.record(
            PasskeyLoginSucceeded(phone=phone, user_id=identity.id, session_id=session.id)
        )
        tokens = self.sessions.issue_tokens(identity, session, now, claims)
        return LoggedIn(identity, tokens, device_token)

    async def _verify(self, command: PasskeySignInCommand) -> VerifiedPasskey:
        """Verify the answer, within the limit of the IP."""
        self._check_network(command.client_ip)
        client_ip = self.keyed_hashes.hash_client_ip(command.client_ip)
        permits = self.limits.attempt_limiter.permits_of(client_ip, None, self.clock.now())
        try:
            await permits.acquire_for_ip()
        except TooManyAttemptsFromIp:
            self.events.record(PasskeyFailed(reason="too many attempts of this IP"))
            raise
        verified = await self.verify(
            self.relying_party,
            command.response,
            PasskeyPurpose.SIGN_IN,
            parse_user_handle,
            self._passkeys_of,
        )
        await permits.release()
        return verified

    def _check_network(self, client_ip: str) -> None:
        now = self.clock.now()
        blocked_until = self.limits.delivery_limiter.additions.find_network_block(client_ip, now)
        if blocked_until is not None:
            raise TooManyAttemptsFromIp(whole_seconds(now, blocked_until))

    def _passkeys_of(self, identity: Identity) -> Sequence[Passkey]:
        phone = identity.phone
        if phone is None or identity.is_closed or self.fixed_codes.includes(phone):
            return ()
        return identity.app_passkeys

    def _check_not_blocked(self, identity: Identity) -> PhoneNumber:
        """Return the number of an identity whose passkey was right."""
        if identity.phone is None:
            raise PasskeyRejected
        if identity.is_blocked:
            self.events.record(BlockedLogin(phone=identity.phone, channel=PASSKEY_CHANNEL))
            raise AccountBlocked
        return identity.phone

    async def _ask_login_hook(
        self, verified: VerifiedPasskey, phone: PhoneNumber, command: PasskeySignInCommand
    ) -> str:
        """Return the claims of the session; raises LoginRejected."""
        if self.additions.login_hook is None:
            return ""
        login = PendingLogin(
            user_id=verified.identity.id,
            external_id=verified.identity.external_id,
            challenge_id=verified.challenge_id,
            phone=phone,
            channel=PASSKEY_CHANNEL,
            device=command.device,
            is_device_recognized=True,
        )
        decision = await ask_login_hook(self.additions.login_hook, login)
        if isinstance(decision, LoginRejection):
            self.events.record(
                LoginRejectedByHook(
                    phone=phone,
                    user_id=login.user_id,
                    reason=decision.text,
                    channel=PASSKEY_CHANNEL,
                )
            )
            raise LoginRejected(decision.text)
        return decision.claims
