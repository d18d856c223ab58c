"""Build the use cases of passkeys of the staff, and of the sessions that they open."""

from application.features.passkeys.console_session import OpenConsoleSession, SignInAtConsole
from application.features.passkeys.feature import PasskeysFeature
from application.features.passkeys.ports import RelyingParty
from application.features.passkeys.staff_passkeys import StaffPasskeys
from application.features.passkeys.touch import Touch
from application.otp.use_cases import LimitUseCases
from application.use_cases import UseCases


class StaffPasskeysFeature:
    """The use cases of passkeys of the staff, where there is a console.

    Options and responses are the JSON of WebAuthn.
    """

    def __init__(
        self, core: UseCases, relying_party: RelyingParty, page_url: str, *, are_required: bool
    ) -> None:
        """Build the use cases; `page_url` is the page of the console, which opens a link."""
        system, identities = core.system, core.repositories.identities
        passkeys = core.of(PasskeysFeature)
        test_otps = core.identities.policy.test_otps
        open_session = OpenConsoleSession(
            sessions=core.identities.sessions,
            clock=system.clock,
            randomness=system.randomness,
            events=system.events,
        )
        self.sign_in = SignInAtConsole(
            relying_party=relying_party,
            verify=passkeys.verify,
            identities=identities,
            tokens=core.identities.sessions.tokens,
            test_otps=test_otps,
            open_session=open_session,
        )
        self.touch = Touch(
            relying_party=relying_party,
            verify=passkeys.verify,
            identities=identities,
            test_otps=test_otps,
        )
        self.passkeys = StaffPasskeys(
            relying_party=relying_party,
            page_url=page_url,
            challenges=passkeys.challenges,
            verify=passkeys.verify_new,
            touch=self.touch,
            open_session=open_session,
            identities=identities,
            act=core.administration.act_for_users,
            limit_store=core.of(LimitUseCases).limit_store,
            test_otps=test_otps,
            clock=system.clock,
            randomness=system.randomness,
            notices=passkeys.notices,
            are_required=are_required,
        )
        core.identities.extensions.has_console = True
