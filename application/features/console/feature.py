"""Build the use cases of the web console from one-time codes, identities and its records."""

from application.features.console.authenticate import AuthenticateConsole
from application.features.console.devices import ExportConsoleDevices, RecognizeConsoleDevice
from application.features.console.ports import ConsoleRepositories
from application.features.console.sign_in import ConsoleSignIn, ConsoleSignOut
from application.operations.cleanup import expire
from application.otp.feature import OtpUseCases
from application.owned_records import OwnedRecords
from application.use_cases import UseCases
from domain.otp.sliding_window import CLOCK_SKEW


class ConsoleRecordsFeature:
    """What is done with the records of the web console, also where nobody signs in to it."""

    def __init__(self, core: UseCases, repositories: ConsoleRepositories) -> None:
        self.sessions = repositories.sessions
        self.devices = OwnedRecords(repositories.devices, core.repositories.identities)
        self.devices.delete_with_owner(core)
        core.operations.cleanup.add_steps(
            {
                "expired_console_sessions": expire(repositories.sessions, CLOCK_SKEW),
                "expired_console_devices": expire(repositories.devices, CLOCK_SKEW),
            }
        )
        core.administration.export_parts.append(ExportConsoleDevices(self.devices))


class ConsoleFeature:
    """The use cases of sessions of the web console."""

    def __init__(self, core: UseCases, records: ConsoleRecordsFeature) -> None:
        identities, policy, system = (
            core.repositories.identities,
            core.identities.policy,
            core.system,
        )
        test_otps, otp = policy.test_otps, core.of(OtpUseCases)
        self.clock = system.clock
        self.authenticate = AuthenticateConsole(
            records.sessions, identities, test_otps, core.identities.extensions, system.clock
        )
        self.sign_in = ConsoleSignIn(
            check_otp=otp.check_otp,
            console_sessions=records.sessions,
            console_devices=records.devices,
            phone_verifications=core.repositories.phone_verifications,
            identities=identities,
            test_otps=test_otps,
            extensions=core.identities.extensions,
            recycled_after=policy.recycled_after,
            clock=system.clock,
            randomness=system.randomness,
            events=system.events,
        )
        self.sign_out = ConsoleSignOut(records.sessions, system.clock, system.events)
        otp.extensions.recognize_console_device = RecognizeConsoleDevice(records.devices)
