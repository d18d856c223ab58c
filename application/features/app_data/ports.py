"""The repository of what the backend of the app keeps with users."""

from dataclasses import dataclass

from application.ports.versioned import DeletableRecords
from domain.features.app_data import AppData


@dataclass(frozen=True, slots=True)
class AppDataRepositories:
    """The repositories of what backends keep with users: the data by the id of its identity."""

    app_data: DeletableRecords[AppData]
