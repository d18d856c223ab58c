"""Settings: read once from the environment and `.env` into one checked value."""

from entrypoints.settings.env_file import ENV_FILE
from entrypoints.settings.read import (
    SettingsError,
    describe,
    example_line,
    read_settings,
    unknown_line,
)
from entrypoints.settings.settings import FIELDS, Settings

__all__ = [
    "ENV_FILE",
    "FIELDS",
    "Settings",
    "SettingsError",
    "describe",
    "example_line",
    "read_settings",
    "unknown_line",
]
