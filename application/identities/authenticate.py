"""Authenticate a request by its access token."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from application.identities.additions import IdentityAdditions
from application.ports.errors import InvalidToken, StorageError
from application.ports.identities import Identities
from application.ports.keys import AccessTokens, TokenClaims
from application.ports.system import Clock
from application.principal import Principal
from application.update import change
from domain.errors import Forbidden, PasskeyRequired, Unauthenticated
from domain.identities.identity import Identity
from domain.identities.session import Session, SessionKind, SessionLimits
from domain.otp.fixed_codes import FixedCodes


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Find the principal of an access token.

    - The identity is read every time, so logout, block, deletion and role changes act at once
      for every token.
    - The first use of a session is recorded before the response leaves: from then on the login that
      opened it cannot be repeated.
    - Later uses are recorded once a day, and once after each refresh: the client has the new
      tokens, so the previous refresh token ends.
    - A token of a void generation is invalid: another one replaced it before it was used.
    - A session is valid for its kind of paths only. One of the console needs its cookie too, and an
      instance that has a console.
    - Staff that needs a passkey has no rights in a session of an app: `Principal.needs_passkey`.
    - A phone with a fixed code never has a role, even if it had one before.
    """

    tokens: AccessTokens
    identities: Identities
    clock: Clock
    session_limits: SessionLimits
    fixed_codes: FixedCodes
    additions: IdentityAdditions

    async def __call__(
        self, token: str, kind: SessionKind = SessionKind.APP, cookie: str = ""
    ) -> Principal:
        """Return the principal, whose session has this kind.

        Raises:
            Unauthenticated: Also without the cookie of a session of the console.
            PasskeyRequired, Forbidden: The session of an app, where one of the console is needed.
        """
        now = self.clock.now()
        try:
            claims = self.tokens.verify(token, now)
        except InvalidToken as error:
            raise Unauthenticated from error
        loaded = await self.identities.load(claims.identity_id)
        session = loaded.value.find_session(claims.session_id, now) if loaded else None
        if loaded is None or session is None:
            raise Unauthenticated
        if kind is SessionKind.CONSOLE and session.kind is not kind:
            raise PasskeyRequired if loaded.value.is_staff else Forbidden("Only staff may do this.")
        if session.kind is not kind or not self._is_in_its_browser(session, cookie):
            raise Unauthenticated
        record_use = partial(self._record_use, claims=claims, now=now)
        used = record_use(loaded.value)
        if used is not loaded.value:
            try:
                # What changes meanwhile may be a repeat of the login, the end of the session or a
                # refresh that makes this token void.
                await change(
                    self.identities,
                    used.id,
                    lambda identity: (record_use(identity.require_open()), None),
                    missing=Unauthenticated,
                    loaded=loaded,
                )
            except StorageError:
                if not session.is_used:
                    raise
                # Any later use is recorded by the next request.
        identity = loaded.value
        if identity.is_staff and identity.phone and self.fixed_codes.includes(identity.phone):
            identity = identity.demote()
        return Principal(
            identity,
            session,
            has_recent_login=session.is_recent(now),
            has_fresh_login=session.is_fresh(now),
            needs_passkey=self.additions.needs_passkey(identity),
        )

    def _is_in_its_browser(self, session: Session, cookie: str) -> bool:
        if not session.is_console:
            return True
        return self.additions.has_console and session.is_bound_to(cookie)

    def _record_use(self, identity: Identity, claims: TokenClaims, now: datetime) -> Identity:
        session = identity.find_session(claims.session_id, now)
        if session is None or not session.accepts_generation(claims.generation):
            raise Unauthenticated
        used = session.record_use(now, self.session_limits, claims.generation)
        return identity if used is session else identity.replace_session(used)
