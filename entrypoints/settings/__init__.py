"""Settings: read once from the environment and `.env` into one checked value."""

from entrypoints.settings.env_file import ENV_FILE
from entrypoints.settings.read import (
    Description,
    SettingsError,
    describe,
    read_settings,
    unknown_line,
)
from entrypoints.settings.settings import Settings

__all__ = [
    "ENV_FILE",
    "Description",
    "Settings",
    "SettingsError",
    "describe",
    "read_settings",
    "unknown_line",
]
