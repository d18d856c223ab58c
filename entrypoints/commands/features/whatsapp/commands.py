"""The option `--whatsapp` of `dialtone user send-code`."""

from typing import Final

import click

from entrypoints.commands.feature_commands import FeatureCommands

_WHATSAPP: Final = click.Option(
    ["--whatsapp", "channel"],
    flag_value="whatsapp",
    help="By WhatsApp, and by SMS if WhatsApp cannot deliver it.",
)
FEATURE_COMMANDS: Final = FeatureCommands(
    channel_options=[_WHATSAPP], tried="the account and the template of WhatsApp"
)
