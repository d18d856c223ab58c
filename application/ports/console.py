"""The repositories of the web console."""

from dataclasses import dataclass
from typing import Protocol

from application.ports.versioned import DeletableRecords, Expiring, Records
from domain.console.devices import ConsoleDevices
from domain.console.session import ConsoleSession


class ConsoleSessions(Records[ConsoleSession], Expiring, Protocol):
    """The sessions of administrators in the web console, until they expire."""


class ConsoleDevicesRepository(DeletableRecords[ConsoleDevices], Expiring, Protocol):
    """The browsers that the console recognizes, by the id of their identity."""


@dataclass(frozen=True, slots=True)
class ConsoleRepositories:
    """The repositories of the web console."""

    sessions: ConsoleSessions
    devices: ConsoleDevicesRepository
