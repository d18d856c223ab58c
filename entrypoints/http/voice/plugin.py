"""The phone line over HTTP."""

from collections.abc import Sequence

from litestar import Controller

from entrypoints.http.plugin import ApiPlugin
from entrypoints.http.voice.calls.controller import CallController
from entrypoints.http.voice.errors import ERRORS


class VoicePlugin(ApiPlugin):
    """The call log, and the webhooks where a provider sends requests about calls."""

    errors = ERRORS
    controllers: Sequence[type[Controller]] = (CallController,)
    webhooks: Sequence[str] = ("voice",)

    def __init__(self, *, has_phone_line: bool) -> None:
        """Load the webhooks only where there is a phone line."""
        if has_phone_line:
            from entrypoints.http.voice.controller import VoiceController

            self.hidden_controllers = (VoiceController,)
