"""The port of warnings of pumping: one record that has all of them."""

from dataclasses import dataclass
from typing import Protocol

from application.ports.versioned import Records
from domain.pumping.warning import PumpingWarnings


class PumpingWarningSets(Records[PumpingWarnings], Protocol):
    """The record with all warnings, by `WARNINGS_ID`."""


@dataclass(frozen=True, slots=True)
class PumpingRepositories:
    """The repositories of warnings."""

    warning_sets: PumpingWarningSets
