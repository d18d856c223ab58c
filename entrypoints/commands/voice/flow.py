"""`dialtone flow`: a call flow that is checked, drawn or walked."""

import sys
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

from adapters.flows import draw
from adapters.flows.flow_rules import list_contained_phrases
from domain.errors import InvalidValue
from domain.phone import PhoneNumber, parse_phone
from domain.voice.walk import ClaimedCaller
from entrypoints.commands.voice.flow_trial import try_flow
from entrypoints.features.voice import VoiceSettings, load_call_flow
from entrypoints.opening.startup_error import CommandError
from entrypoints.settings.settings import Settings


def flow(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Check a call flow, draw it, or walk it."""
    file = Path(arguments.file) if arguments.file else None
    call_flow = load_call_flow(settings.of(VoiceSettings), file)
    match arguments.action:
        case "check":
            nodes, locales = len(call_flow.nodes), ", ".join(call_flow.locales)
            valid = f"The call flow is valid: {nodes} nodes; locales: {locales}."
            contained = (f"{place}: {text}" for place, text in list_contained_phrases(call_flow))
            return [valid, *(f"information: {line}; the longer one counts" for line in contained)]
        case "draw":
            return [draw(call_flow)]
        case _:
            caller = ClaimedCaller()
            if arguments.caller != "anonymous":
                phone = _parse_phone(settings, arguments.phone)
                identity_id = None if arguments.caller == "unknown" else "trial"
                caller = ClaimedCaller(phone, identity_id, arguments.caller == "verified")
            return try_flow(call_flow, caller, _read_line)


def _read_line() -> str | None:
    """Return the next line of stdin, or None at its end."""
    if sys.stdin is None:
        return None
    try:
        return sys.stdin.readline() or None
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"The input could not be read: {error}.") from None


def _parse_phone(settings: Settings, text: str) -> PhoneNumber:
    """Parse a phone as people write it; raises CommandError."""
    try:
        return parse_phone(text, settings.default_region, rules=None)
    except InvalidValue as error:
        raise CommandError(error.message) from None
