"""The web console builds itself: from one-time codes, identities and its sessions."""

from application.console.authenticate import AuthenticateConsole
from application.console.sign_in import ConsoleSignIn, ConsoleSignOut
from application.identities.feature import IdentitiesPolicy
from application.otp.check_otp import CheckOtp
from application.ports.repositories import Repositories
from application.ports.system import SystemPorts


class ConsoleFeature:
    """The use cases of the sessions of the web console."""

    def __init__(
        self,
        system: SystemPorts,
        repositories: Repositories,
        policy: IdentitiesPolicy,
        check_otp: CheckOtp,
    ) -> None:
        stored, identities = repositories.console_sessions, repositories.identities
        test_otps = policy.test_otps
        self.clock = system.clock
        self.authenticate = AuthenticateConsole(stored, identities, test_otps, system.clock)
        self.sign_in = ConsoleSignIn(
            check_otp=check_otp,
            console_sessions=stored,
            phone_verifications=repositories.phone_verifications,
            identities=identities,
            test_otps=test_otps,
            recycled_after=policy.recycled_after,
            clock=system.clock,
            randomness=system.randomness,
            events=system.events,
        )
        self.sign_out = ConsoleSignOut(stored, system.clock, system.events)
