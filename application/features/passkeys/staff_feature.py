"""Build the use cases of passkeys of the staff, and of the sessions that they open."""

from datetime import timedelta

from application.administration.find_user import UserQuery
from application.administration.operator import Operator, staff_member
from application.features.passkeys.console_session import (
    Browser,
    ConsoleSignedIn,
    OpenConsoleSession,
    SignInAtConsole,
)
from application.features.passkeys.feature import PasskeysFeature
from application.features.passkeys.ports import RelyingParty
from application.features.passkeys.staff_passkeys import (
    NewPasskey,
    PasskeyOptions,
    StaffPasskeys,
)
from application.features.passkeys.touch import Touch
from application.otp.use_cases import LimitUseCases, OtpUseCases
from application.principal import Principal
from application.use_cases import UseCases
from domain.features.passkeys import LINK_TTL, PasskeyPurpose, TouchPurpose


class StaffPasskeysFeature:
    """The use cases of passkeys of the staff, where there is a console.

    Options and responses are JSON, as `PublicKeyCredential.toJSON()` and
    `parseRequestOptionsFromJSON()` of browsers have them.
    """

    def __init__(
        self, core: UseCases, relying_party: RelyingParty, page_url: str, *, are_required: bool
    ) -> None:
        """Build the use cases; `page_url` is the page of the console, which opens a link."""
        system, identities = core.system, core.repositories.identities
        self._party, self._page_url = relying_party, page_url
        otp, passkeys = core.find(OtpUseCases), core.of(PasskeysFeature)
        test_otps = core.identities.policy.test_otps
        self._challenges = passkeys.challenges
        open_session = OpenConsoleSession(
            sessions=core.identities.sessions,
            clock=system.clock,
            randomness=system.randomness,
            events=system.events,
        )
        self._sign_in = SignInAtConsole(
            verify=passkeys.verify,
            identities=identities,
            tokens=core.identities.sessions.tokens,
            test_otps=test_otps,
            open_session=open_session,
        )
        self._touch = Touch(
            challenges=passkeys.challenges,
            verify=passkeys.verify,
            identities=identities,
            test_otps=test_otps,
        )
        self._passkeys = StaffPasskeys(
            challenges=passkeys.challenges,
            verify=passkeys.verify_new,
            touch=self._touch,
            open_session=open_session,
            identities=identities,
            act=core.administration.act_for_users,
            limit_store=core.of(LimitUseCases).limit_store,
            test_otps=test_otps,
            clock=system.clock,
            randomness=system.randomness,
            events=system.events,
            send_notice=otp.send_notice if otp else None,
            are_required=are_required,
        )
        core.identities.extensions.has_console = True

    def start_sign_in(self) -> str:
        """Return the options to sign in with any passkey of this service."""
        return self._party.request_options(self._challenges.make(PasskeyPurpose.CONSOLE_SIGN_IN))

    async def sign_in(self, response: str, replaces: str, browser: Browser) -> ConsoleSignedIn:
        return await self._sign_in(self._party, response, replaces, browser)

    def start_touch(self, principal: Principal, purpose: TouchPurpose) -> str:
        return self._touch.start(self._party, principal, purpose)

    async def invite(
        self, operator: Operator, query: UserQuery, reason: str, ttl: timedelta = LINK_TTL
    ) -> str:
        """Return a link with which somebody of the staff adds a passkey."""
        secret = await self._passkeys.invite(operator, query, reason, ttl)
        return f"{self._page_url}#{secret}"

    async def invite_by_touch(
        self, principal: Principal, touch: str | None, query: UserQuery, reason: str
    ) -> str:
        """Return a link that somebody of the staff makes in a session of the console."""
        touched = await self._touch(self._party, principal, TouchPurpose.INVITE, touch)
        await self._touch.save(touched, principal)
        return await self.invite(staff_member(principal), query, reason)

    async def start_adding(self, by: Principal | str) -> PasskeyOptions:
        """Return the options for a passkey: in a session, or by the secret of a link."""
        if isinstance(by, str):
            return await self._passkeys.start_by_link(self._party, by)
        return self._passkeys.start_in_session(self._party, by)

    async def add_by_link(self, secret: str, new: NewPasskey, browser: Browser) -> ConsoleSignedIn:
        return await self._passkeys.add_by_link(self._party, secret, new, browser)

    async def add_in_session(
        self, principal: Principal, touch: str | None, new: NewPasskey, browser: Browser
    ) -> ConsoleSignedIn:
        return await self._passkeys.add_in_session(self._party, principal, touch, new, browser)

    async def remove(
        self, principal: Principal, passkey_id: str, touch: str | None, locale: str | None
    ) -> None:
        await self._passkeys.remove(self._party, principal, passkey_id, touch, locale)
