"""The suites of the phone line: calls, markup, and the requests of its provider."""

from typing import Final

from application.features.voice.ports import VoiceProvider
from tests.contract.suites.port import Port

PORTS: Final = (Port("voice", "DIALTONE_VOICE", VoiceProvider, ("voice",)),)
