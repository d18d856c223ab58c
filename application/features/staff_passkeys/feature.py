"""Build the use cases of passkeys of the staff."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.administration.find_user import UserQuery
from application.administration.operator import Operator
from application.features.console.sign_in import ConsoleSignedIn, ConsoleUser, is_open_staff
from application.features.passkeys.feature import PasskeysFeature
from application.features.passkeys.ports import RelyingParty
from application.features.staff_passkeys.enrol import (
    INVITE,
    EnrolPasskey,
    Invite,
    RemoveOwnStaffPasskey,
)
from application.features.staff_passkeys.ports import StaffPasskeyRepositories
from application.features.staff_passkeys.sign_in import OpenSession, UseStaffPasskey
from application.operations.cleanup import expire
from application.otp.use_cases import OtpUseCases
from application.ports.versioned import ExpiringRecords
from application.use_cases import UseCases
from domain.features.console import ConsoleSession
from domain.features.passkeys import PasskeyPurpose
from domain.features.staff_passkeys import LINK_TTL, USE_TTL, NotStaff, PasskeysNotPossible
from domain.identities.identity import Identity
from domain.identities.passkey import Passkey
from domain.otp.sliding_window import CLOCK_SKEW


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffPasskeysPolicy:
    """What the operator decides.

    Attributes:
        are_required: Whether all staff needs a passkey, also whoever has none.
        enrolment_url: The page to add one, without its secret.
        why_not: Why there can be no passkeys with these settings; empty if there can.
    """

    are_required: bool = False
    enrolment_url: str = ""
    why_not: str = ""


class StaffPasskeysFeature:
    """The use cases of passkeys of the staff.

    All but `why_not`, `list_own` and `remove_own` raise `PasskeysNotPossible` where `why_not`
    is set.
    Options and responses are JSON, as `PublicKeyCredential.toJSON()` and
    `parseRequestOptionsFromJSON()` of browsers have them. All raise `StorageError`.
    """

    def __init__(
        self,
        core: UseCases,
        repositories: StaffPasskeyRepositories,
        console_sessions: ExpiringRecords[ConsoleSession],
        relying_party: RelyingParty | None,
        policy: StaffPasskeysPolicy,
    ) -> None:
        system, identities = core.system, core.repositories.identities
        self._policy, self._relying_party = policy, relying_party
        self._test_otps = core.identities.policy.test_otps
        self._identities = identities
        self._act = core.administration.act_for_users
        otp = core.find(OtpUseCases)
        passkeys = core.of(PasskeysFeature)
        self._challenges = passkeys.challenges
        self._use = UseStaffPasskey(
            verify=passkeys.verify,
            identities=identities,
            test_otps=self._test_otps,
            clock=system.clock,
        )
        self._open_session = OpenSession(
            console_sessions, system.clock, system.randomness, system.events
        )
        self._invite = Invite(repositories.invitations, system.clock, system.randomness)
        self._enrol = EnrolPasskey(
            challenges=passkeys.challenges,
            verify=passkeys.verify_new,
            invitations=repositories.invitations,
            identities=identities,
            test_otps=self._test_otps,
            clock=system.clock,
            events=system.events,
            send_notice=otp.send_notice if otp else None,
        )
        self.remove_own = RemoveOwnStaffPasskey(
            identities=identities,
            clock=system.clock,
            events=system.events,
            are_required=policy.are_required,
        )
        core.identities.extensions.needs_passkey = self.is_needed_by
        core.operations.cleanup.add_steps(
            {"expired_passkey_invitations": expire(repositories.invitations, CLOCK_SKEW)}
        )

    @property
    def why_not(self) -> str:
        return self._policy.why_not

    def is_needed_by(self, identity: Identity) -> bool:
        """Return whether an identity has rights of staff only in a session by passkey."""
        return identity.is_staff and (self._policy.are_required or bool(identity.staff.passkeys))

    def start_sign_in(self) -> str:
        """Return the options to sign in with any passkey of this service."""
        return self._start_use(PasskeyPurpose.CONSOLE_SIGN_IN)

    async def sign_in(self, response: str) -> ConsoleSignedIn:
        identity, passkey = await self._use(self._party, response, PasskeyPurpose.CONSOLE_SIGN_IN)
        return await self._open_session(identity, passkey.id)

    async def invite(self, operator: Operator, query: UserQuery, reason: str) -> str:
        """Return a link with which somebody of the staff adds a passkey within 15 minutes.

        Raises:
            NotStaff
        """
        _ = self._party
        user = await self._act.find(operator, INVITE, query, reason)
        identity = user.require_identity()
        if not is_open_staff(identity, self._test_otps):
            raise NotStaff
        self._invite.check(identity)
        async with self._act.record_act(operator.actor, INVITE.action, identity.id, reason):
            secret = await self._invite(identity, LINK_TTL)
        return f"{self._policy.enrolment_url}#{secret}"

    def start_use_for_enrolment(self) -> str:
        """Return the options to use a passkey, in order to add another one."""
        return self._start_use(PasskeyPurpose.USE_FOR_ENROLMENT)

    async def use_for_enrolment(self, response: str) -> str:
        """Return a secret as of a link, which adds a passkey within five minutes."""
        purpose = PasskeyPurpose.USE_FOR_ENROLMENT
        identity, passkey = await self._use(self._party, response, purpose)
        return await self._invite(identity, USE_TTL, passkey.id)

    async def start_enrolment(self, secret: str) -> str:
        return await self._enrol.start(self._party, secret)

    async def enrol(
        self, secret: str, response: str, name: str, locale: str | None = None
    ) -> ConsoleSignedIn:
        """Add a passkey, end all sessions of the console, and open one by the new passkey.

        `secret` is that of the link, or of `use_for_enrolment`. `locale` is that of the browser,
        for the message to the number.
        """
        identity, passkey = await self._enrol(self._party, secret, response, name, locale)
        return await self._open_session(identity, passkey.id)

    async def list_own(self, user: ConsoleUser) -> Sequence[Passkey]:
        loaded = await self._identities.load(user.session.identity_id)
        return loaded.value.staff.passkeys if loaded else ()

    def _start_use(self, purpose: PasskeyPurpose) -> str:
        return self._party.request_options(self._challenges.make(purpose))

    @property
    def _party(self) -> RelyingParty:
        if self._relying_party is None:
            raise PasskeysNotPossible(self._policy.why_not)
        return self._relying_party
