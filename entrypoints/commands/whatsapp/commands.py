"""The option `--whatsapp` of `dialtone user send-code`."""

from argparse import ArgumentParser
from typing import Final

from entrypoints.commands.feature_commands import FeatureCommands


def _add_whatsapp(send_code: ArgumentParser) -> None:
    send_code.add_argument(
        "--whatsapp",
        action="store_const",
        dest="channel",
        const="whatsapp",
        help="by WhatsApp, and by SMS if WhatsApp cannot deliver it",
    )


FEATURE_COMMANDS: Final = FeatureCommands(
    add_channels=_add_whatsapp,
    tried="the account and the template of WhatsApp",
)
