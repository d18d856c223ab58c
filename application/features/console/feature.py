"""The use cases of the web console, and the browsers that it recognizes."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from application.administration.export_part import ExportFile, MissingFiles, json_file
from application.features.console.ports import ConsoleRepositories
from application.features.console.sign_in import AuthenticateConsole, ConsoleSignIn, ConsoleSignOut
from application.operations.cleanup import expire
from application.otp.extensions import CheckedDevice
from application.otp.use_cases import OtpUseCases
from application.owned_records import OwnedRecords
from application.use_cases import UseCases
from domain.features.console import ConsoleDevice, ConsoleDevices
from domain.identities.device_token import DeviceToken
from domain.identities.identity import Identity
from domain.otp.delivery import ValidDeviceToken
from domain.otp.sliding_window import CLOCK_SKEW


@dataclass(frozen=True, slots=True)
class RecognizeConsoleDevice:
    """Check a device token against the console devices of the identity that it names."""

    console_devices: OwnedRecords[ConsoleDevices]

    async def __call__(self, token: DeviceToken, now: datetime) -> CheckedDevice:
        # Both at once: the time does not tell who has a record.
        loaded, devices = await asyncio.gather(
            self.console_devices.identities.load(token.identity_id),
            self.console_devices.load(token.identity_id),
        )
        if loaded is None or devices is None:
            return None, loaded
        ids = [device.id for device in devices.active(loaded.value, now)]
        device = ValidDeviceToken(token.device_id, token.identity_id)
        return device if token.device_id in ids else None, loaded


@dataclass(frozen=True, slots=True)
class ConsoleDetails:
    """The browsers of somebody of the staff."""

    devices: Sequence[ConsoleDevice]


def add_console_details(core: UseCases, repositories: ConsoleRepositories) -> None:
    """Let the core show browsers. Only records are read."""

    async def load(identity: Identity | None) -> ConsoleDetails | None:
        if identity is None or identity.is_deleted or not identity.is_staff:
            return None
        loaded = await repositories.devices.load(identity.id)
        now = core.system.clock.now()
        return ConsoleDetails(loaded.value.active(identity, now) if loaded else ())

    core.administration.details_parts.append(load)


@dataclass(frozen=True, slots=True)
class ExportConsoleDevices:
    """The browsers of a person, without their hashes."""

    console_devices: OwnedRecords[ConsoleDevices]

    explained_files: ClassVar[Mapping[str, str]] = {
        "console.json": "the browsers that the console recognizes, if you are of the staff"
    }

    async def check(self, identity: Identity) -> None:
        """Check nothing: they are in the database, as the account is."""

    async def __call__(
        self, identity: Identity, now: datetime, missing: MissingFiles
    ) -> AsyncGenerator[ExportFile, None]:
        del missing
        devices = await self.console_devices.load(identity.id)
        active = devices.active(identity, now) if devices else ()
        yield json_file("console.json", [{"expires_at": each.expires_at} for each in active], now)


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
