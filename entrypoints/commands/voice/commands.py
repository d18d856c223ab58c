"""The commands of the phone line: `flow` and `voice`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.options import PHONE, REASON_OPTION

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings


def _add_flow(flow: ArgumentParser) -> None:
    flow.add_argument("action", choices=["check"], help="report all problems")
    flow.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        help="a TOML file; default: DIALTONE_CALL_FLOW, or the flow of the service",
    )


def _check_flow(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.voice.flow import check_flow

    return check_flow(settings, arguments)


def _add_voice(voice: ArgumentParser) -> None:
    voice.add_argument("action", metavar="ACTION", choices=["urls"], help="urls: show them")


def _show_urls(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.voice.urls import show_voice_urls

    return show_voice_urls(settings, arguments)


def _add_call(send_code: ArgumentParser) -> None:
    send_code.add_argument(
        "--call",
        action="store_const",
        dest="channel",
        const="voice",
        help="read the code out in a call",
    )


_COMMANDS: Final = (
    Command(
        name="flow",
        help="Check a call flow: report all problems, with the node and what to do.",
        examples=("flow check flow.toml", "flow check"),
        add_arguments=_add_flow,
        run=_check_flow,
    ),
    Command(
        name="voice",
        help="Show what to enter at the provider of the phone line.",
        examples=("voice urls",),
        add_arguments=_add_voice,
        run=_show_urls,
    ),
)
FEATURE_COMMANDS: Final = FeatureCommands(
    commands=_COMMANDS,
    add_channels=_add_call,
    channel_example=f"send-code {PHONE} --call {REASON_OPTION}",
)
