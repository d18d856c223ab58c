"""The browsers that the console recognizes: at a sign-in, in the details and exports of users."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from application.administration.export_part import ExportFile, MissingFiles, json_file
from application.features.console.ports import ConsoleRepositories
from application.otp.extensions import CheckedDevice
from application.owned_records import OwnedRecords
from application.use_cases import UseCases
from domain.features.console.devices import ConsoleDevice, ConsoleDevices
from domain.identities.device_token import DeviceToken
from domain.identities.identity import Identity
from domain.otp.delivery import ValidDeviceToken


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
