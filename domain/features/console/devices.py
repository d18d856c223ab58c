"""The browsers in which somebody of the staff signed in to the web console."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.identities.device_token import MAX_DEVICES
from domain.identities.identity import Identity

CONSOLE_DEVICE_TTL: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class ConsoleDevice:
    """A browser that the console recognizes until `expires_at`.

    `session_version` is the version that the identity had at the sign-in: whatever ends all
    sessions of the identity, or its role, ends the console device too.
    """

    id: str
    session_version: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ConsoleDevices:
    """The console devices of an identity, by its id.

    - They are no part of the identity: whatever ends them raises its version.
    - A console device is recognized at the sign-in to the web console only, and a recognized device
      only elsewhere: apps keep their tokens where scripts can read them, and whoever gets such a
      token must not get attempts at a code of the console.
    """

    id: str
    devices: tuple[ConsoleDevice, ...] = ()

    @property
    def expires_at(self) -> datetime:
        """When the last of them expires. There is no record without any."""
        return max(device.expires_at for device in self.devices)

    def active(self, identity: Identity, now: datetime) -> Sequence[ConsoleDevice]:
        """Return those that the console recognizes now: only somebody of the staff has some."""
        if not identity.is_staff or identity.is_closed or identity.is_blocked:
            return ()
        return [
            device
            for device in self.devices
            if device.session_version == identity.session_version and now < device.expires_at
        ]

    def add(self, added: ConsoleDevice, now: datetime) -> "ConsoleDevices":
        """Return them with this one; above `MAX_DEVICES` without the oldest.

        Those of an earlier version have ended. So has the added one, if there is a later one.
        """
        if any(device.session_version > added.session_version for device in self.devices):
            return self
        others = [
            device
            for device in self.devices
            if device.session_version == added.session_version
            and device.id != added.id
            and now < device.expires_at
        ]
        return replace(self, devices=(*others, added)[-MAX_DEVICES:])
