"""`dialtone flow check`."""

from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

from adapters.flows.flow_rules import list_contained_phrases
from entrypoints.features.voice import VoiceSettings, load_call_flow
from entrypoints.settings.settings import Settings


def check_flow(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Report all problems of a call flow, or what may be a mistake in it."""
    file = Path(arguments.file) if arguments.file else None
    call_flow = load_call_flow(settings.of(VoiceSettings), file)
    nodes, locales = len(call_flow.nodes), ", ".join(call_flow.locales)
    yield f"The call flow is valid: {nodes} nodes; locales: {locales}."
    for place, text in list_contained_phrases(call_flow):
        yield f"information: {place}: {text}; the longer one counts"
