"""The suites of the phone line: calls, markup, and the requests of its provider."""

from typing import Final

from application.ports.voice import VoiceProvider
from pytest_dialtone.port import Port, has_method

PORTS: Final = (
    Port("DIALTONE_VOICE", VoiceProvider, has_method("place_call", "render", "parse"), ("voice",)),
)
