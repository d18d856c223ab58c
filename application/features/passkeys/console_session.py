"""Open sessions of the console: by a passkey of the staff, and never by a code."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from application.features.passkeys.check_answer import RelyingParty, VerifyPasskey
from application.identities.session_factory import SESSION_ID_BYTES, SessionFactory, Tokens
from application.ports.errors import InvalidToken, StorageError
from application.ports.identities import Identities
from application.ports.keys import AccessTokens, TokenClaims
from application.ports.security_events import PhoneEvent, SecurityEvents
from application.ports.system import Clock, Randomness
from application.update import change
from domain.errors import Unauthenticated
from domain.features.passkeys import (
    SECRET_BYTES,
    PasskeyPurpose,
    PasskeyRejected,
    find_usable,
    is_cookie,
)
from domain.identifier import parse_identifier
from domain.identities.identity import Identity
from domain.identities.passkey import Passkey
from domain.identities.session import Session
from domain.otp.fixed_codes import FixedCodes


@dataclass(frozen=True, kw_only=True)
class ConsoleSignInSucceeded(PhoneEvent):
    """Somebody of the staff signed in to the console."""

    name = "console_signed_in"
    user_id: str
    session_id: str


@dataclass(frozen=True, slots=True)
class Browser:
    """The browser that sends a request.

    Attributes:
        device: Its name; None without one.
        cookie: The cookie of the console; empty without one.
    """

    device: str | None
    cookie: str = ""


@dataclass(frozen=True, slots=True)
class ConsoleSignedIn:
    """The token of a session, and the cookie that it is bound to."""

    tokens: Tokens
    cookie: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenConsoleSession:
    """Make the session of somebody whose passkey was verified, its token and its cookie.

    - It has no refresh token and no device token: it ends after an hour, and no code is sent.
    - A browser keeps its cookie: sessions in other tabs stay valid.
    """

    sessions: SessionFactory
    clock: Clock
    randomness: Randomness
    events: SecurityEvents

    def start(self, browser: Browser) -> tuple[Session, str]:
        """Return a session, which the caller stores, and its cookie."""
        cookie = browser.cookie
        if not is_cookie(cookie):
            cookie = self.randomness.bytes(SECRET_BYTES).hex()
        session_id, now = self.randomness.bytes(SESSION_ID_BYTES).hex(), self.clock.now()
        return self.sessions.start_at_console(session_id, now, browser.device, cookie), cookie

    def finish(self, identity: Identity, session: Session, cookie: str) -> ConsoleSignedIn:
        """Return the token of a session that was stored."""
        if identity.phone is not None:
            self.events.record(
                ConsoleSignInSucceeded(
                    phone=identity.phone, user_id=identity.id, session_id=session.id
                )
            )
        tokens = self.sessions.issue_tokens(identity, session, session.created_at, None)
        return ConsoleSignedIn(tokens, cookie)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInAtConsole:
    """Exchange the answer of a passkey of the staff for a session of the console.

    `relying_party` accepts answers of the console's own origin only.
    """

    relying_party: RelyingParty
    verify: VerifyPasskey
    identities: Identities
    tokens: AccessTokens
    fixed_codes: FixedCodes
    open_session: OpenConsoleSession

    def start(self) -> str:
        """Return the options to sign in with any passkey of this service."""
        challenge = self.verify.challenges.make(PasskeyPurpose.CONSOLE_SIGN_IN)
        return self.relying_party.request_options(challenge)

    async def __call__(self, response: str, replaces: str, browser: Browser) -> ConsoleSignedIn:
        """Sign in.

        `replaces` is the token that the browser had, whose session ends in the same write if it is
        of the same person; empty without one. A token that is not valid in this browser is ignored.

        Raises:
            PasskeyRejected
            ChallengeNotValid
        """
        verified = await self.verify(
            self.relying_party,
            response,
            PasskeyPurpose.CONSOLE_SIGN_IN,
            parse_identifier,
            self._passkeys_of,
        )
        session, cookie = self.open_session.start(browser)
        now, identity_id = session.created_at, verified.identity.id
        replaced = self._find_replaced(replaces, now)

        def end_replaced(current: Identity) -> Identity:
            former = current.find_session(replaced.session_id, now) if replaced else None
            is_of_browser = former is not None and former.is_bound_to(browser.cookie)
            return current.revoke_session(former.id) if former and is_of_browser else current

        def sign_in(current: Identity) -> tuple[Identity, Identity]:
            valid = self._passkeys_of(current)
            used = self.verify.record_use(verified, valid, current, now)
            changed = end_replaced(used).add_session(session)
            return changed, changed

        identity = await change(self.identities, identity_id, sign_in, missing=PasskeyRejected)
        if replaced is not None and replaced.identity_id != identity_id:
            # Somebody else was signed in here. Unused, that session ends in 15 minutes anyway.
            with suppress(Unauthenticated, StorageError):
                await change(
                    self.identities,
                    replaced.identity_id,
                    lambda current: (end_replaced(current), None),
                    missing=Unauthenticated,
                )
        return self.open_session.finish(identity, session, cookie)

    def _find_replaced(self, token: str, now: datetime) -> TokenClaims | None:
        try:
            return self.tokens.verify(token, now)
        except InvalidToken:
            return None

    def _passkeys_of(self, identity: Identity) -> Sequence[Passkey]:
        return find_usable(identity, self.fixed_codes)
