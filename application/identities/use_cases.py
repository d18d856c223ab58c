"""Build the use cases of identities and sessions from their ports and their policy."""

from dataclasses import dataclass, field
from datetime import timedelta

from application.identities.acts_on_users import OperatorActions
from application.identities.additions import IdentityAdditions
from application.identities.assign_phone import AssignPhone
from application.identities.authenticate import Authenticate
from application.identities.count_users import CountUsers
from application.identities.session_factory import SessionFactory
from application.identities.sessions import ListSessions, Logout, RefreshSession, RevokeSession
from application.identities.users import CreateUser, DeleteUser, GetUser, RenameUser
from application.ports.keyed_hashes import KeyedHashes
from application.ports.keys import AccessTokens, KeyRing
from application.ports.repositories import Repositories
from application.ports.system import SystemPorts
from application.record_act import RecordAct
from domain.identities.session import SessionLimits
from domain.identities.username import UsernameRules
from domain.otp.fixed_codes import FixedCodes


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentitiesPorts:
    """What identities need of the outside world, besides the database."""

    tokens: AccessTokens
    refresh_keys: KeyRing


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentitiesPolicy:
    """What the operator decides about identities and sessions.

    `recycled_after` is None where no phone counts as recycled.
    """

    session_limits: SessionLimits = field(default_factory=SessionLimits)
    recycled_after: timedelta | None = None
    fixed_codes: FixedCodes = FixedCodes()
    username_rules: UsernameRules = field(default_factory=UsernameRules)


class IdentityUseCases:
    """The use cases of identities and sessions."""

    def __init__(
        self,
        system: SystemPorts,
        repositories: Repositories,
        ports: IdentitiesPorts,
        policy: IdentitiesPolicy,
        keyed_hashes: KeyedHashes,
        record_act: RecordAct,
        additions: IdentityAdditions,
    ) -> None:
        identities, verifications = repositories.identities, repositories.phone_verifications
        clock, randomness, events = system.clock, system.randomness, system.events

        self.policy = policy
        self.sessions = SessionFactory(
            ports.tokens,
            ports.refresh_keys,
            randomness,
            policy.session_limits,
            additions,
        )
        self.assign_phone = AssignPhone(verifications)
        self.authenticate = Authenticate(
            ports.tokens,
            identities,
            clock,
            policy.session_limits,
            policy.fixed_codes,
            additions,
        )
        self.refresh_session = RefreshSession(
            identities, self.sessions, keyed_hashes, clock, events
        )
        self.list_sessions = ListSessions(clock)
        self.revoke_session = RevokeSession(identities, clock, events)
        self.logout = Logout(identities, self.sessions, clock, events)
        self.list_public_keys = ports.tokens.list_published

        self.create_user = CreateUser(
            identities,
            verifications,
            self.assign_phone,
            keyed_hashes,
            record_act,
            clock,
            randomness,
            events,
        )
        self.get_user = GetUser(identities)
        self.count_users = CountUsers(identities, clock)
        self.rename_user = RenameUser(identities, clock)
        self.delete_user = DeleteUser(identities, additions, clock, events)

        self.operator_actions = OperatorActions(
            identities, verifications, clock, events, policy.fixed_codes
        )
