"""The commands of the phone line: `flow` and `voice`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.options import PHONE, REASON_OPTION

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings


_ACTIONS: Final = "check: report all problems; draw: print a flowchart; try: call it"


def _add_flow(flow: ArgumentParser) -> None:
    flow.add_argument("action", metavar="ACTION", choices=["check", "draw", "try"], help=_ACTIONS)
    flow.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        help="a TOML file; default: DIALTONE_CALL_FLOW, or the flow of the service",
    )
    flow.add_argument(
        "--caller",
        choices=["unknown", "unverified", "verified", "anonymous"],
        default="unknown",
        help="whose number the caller has, for try (default: unknown); anonymous: none",
    )
    flow.add_argument(
        "--phone",
        metavar="PHONE",
        default="+14155552671",
        help="the caller's number, for try; its country selects the locale",
    )


def _flow(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.voice.flow import flow

    return flow(settings, arguments)


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
        help="Check a call flow, draw it as a Mermaid flowchart, or walk it in the terminal.",
        examples=(
            "flow check flow.toml",
            "flow draw flow.toml",
            "flow try flow.toml --caller verified --phone +14155552671",
        ),
        add_arguments=_add_flow,
        run=_flow,
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
