"""The command of call flows, and the options of others for calls."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.options import PHONE, REASON_OPTION

if TYPE_CHECKING:
    from entrypoints.commands.connection_checks import Check
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


def _add_checks(check: ArgumentParser) -> None:
    check.add_argument(
        "--show-voice-urls",
        action="append_const",
        dest="more_checks",
        const=_check_with_signatures,
        help="also show the URLs to enter at the provider of calls if they have a signature of the "
        "service, which is a secret; implies --connect",
    )


def _check_with_signatures(settings: "Settings") -> "Mapping[str, Check]":
    from entrypoints.commands.voice.urls import sign_urls
    from entrypoints.features.voice import VoiceSettings, check_phone_line

    voice = settings.of(VoiceSettings)
    return {"phone line": partial(check_phone_line, voice, partial(sign_urls, settings))}


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
)
FEATURE_COMMANDS: Final = FeatureCommands(
    commands=_COMMANDS,
    tried="the phone line (with the URLs to enter at its provider)",
    add_checks=_add_checks,
    add_channels=_add_call,
    channel_example=f"send-code {PHONE} --call {REASON_OPTION}",
)
