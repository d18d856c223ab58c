"""The port of the web console: its sessions."""

from dataclasses import dataclass
from typing import Protocol

from application.ports.versioned import Expiring, Records
from domain.console.session import ConsoleSession


class ConsoleSessions(Records[ConsoleSession], Expiring, Protocol):
    """The sessions of administrators in the web console, until they expire."""


@dataclass(frozen=True, slots=True)
class ConsoleRepositories:
    """The repositories of the web console."""

    sessions: ConsoleSessions
