"""What `dialtone check-settings --connect` tries of WhatsApp."""

from typing import Final

from entrypoints.commands.feature_commands import FeatureCommands

FEATURE_COMMANDS: Final = FeatureCommands(tried="the account and the template of WhatsApp")
