"""The repositories of the web console."""

from dataclasses import dataclass

from application.ports.versioned import ExpiringRecords
from domain.features.console import ConsoleDevices, ConsoleSession


@dataclass(frozen=True, slots=True)
class ConsoleRepositories:
    """The repositories of the web console."""

    sessions: ExpiringRecords[ConsoleSession]
    devices: ExpiringRecords[ConsoleDevices]
