"""Settings: read once from the environment and `.env` into one value that cannot be wrong."""

from entrypoints.settings.describe import Description, describe
from entrypoints.settings.env_file import ENV_FILE
from entrypoints.settings.model import Settings
from entrypoints.settings.read import SettingsInvalid, read_settings

__all__ = ["ENV_FILE", "Description", "Settings", "SettingsInvalid", "describe", "read_settings"]
