"""Build the use cases of the web console from one-time codes, identities and its sessions."""

from application.console.authenticate import AuthenticateConsole
from application.console.sign_in import ConsoleSignIn, ConsoleSignOut
from application.operations.cleanup import expire
from application.otp.feature import OtpFeature
from application.ports.console import ConsoleSessions
from application.use_cases import UseCases
from domain.otp.sliding_window import CLOCK_SKEW


class ConsoleFeature:
    """The use cases of the sessions of the web console."""

    def __init__(self, core: UseCases, console_sessions: ConsoleSessions) -> None:
        identities, policy, system = (
            core.repositories.identities,
            core.identities.policy,
            core.system,
        )
        test_otps = policy.test_otps
        self.clock = system.clock
        self.authenticate = AuthenticateConsole(
            console_sessions, identities, test_otps, core.identities.extensions, system.clock
        )
        self.sign_in = ConsoleSignIn(
            check_otp=core.of(OtpFeature).check_otp,
            console_sessions=console_sessions,
            phone_verifications=core.repositories.phone_verifications,
            identities=identities,
            test_otps=test_otps,
            extensions=core.identities.extensions,
            recycled_after=policy.recycled_after,
            clock=system.clock,
            randomness=system.randomness,
            events=system.events,
        )
        self.sign_out = ConsoleSignOut(console_sessions, system.clock, system.events)


def add_console_cleanup(core: UseCases, console_sessions: ConsoleSessions) -> None:
    """Let the cleanup delete sessions that have expired."""
    steps = {"expired_console_sessions": expire(console_sessions, CLOCK_SKEW)}
    core.operations.cleanup.add_steps(steps)
