"""The phone line over HTTP."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final

import msgspec
from litestar import Controller

from domain.features.voice.call import CallNotFound, CallRecordingNotFound
from entrypoints.http.additions import ABOUT_API, HttpAdditions
from entrypoints.http.errors.table import ApiError, ErrorRow
from entrypoints.http.features.voice.calls import AdminCallController, CallController
from entrypoints.http.fields import described
from entrypoints.http.operations import ReadinessResponse

ERRORS: Final[Mapping[type[ApiError], ErrorRow]] = {
    CallNotFound: ErrorRow(404, "call_not_found", "Call not found"),
    CallRecordingNotFound: ErrorRow(404, "recording_not_found", "Recording not found"),
}


class CallHealth(msgspec.Struct, kw_only=True):
    """The health of this part."""

    calls: Annotated[
        str | msgspec.UnsetType,
        described("`ok` or `degraded`. Only if the provider of calls can be checked.", "ok"),
    ] = msgspec.UNSET


_ABOUT = "`request-otp` with the channel `voice` calls the phone instead of sending a message.\n"
_ABOUT_CODES = """\
With the channel `voice` the phone is called instead: the call says who is calling, and
reads the same code after any key was pressed. Calls count against the same limits and the
same cooldown. `GET /auth/requests/{request_id}` says when a message was not delivered, so
that an app can offer the call.
"""
_ABOUT_DELETION = """\
Recordings remain as long as the phone number does, and calls, without the account, as long as the
operator keeps calls, which is 90 days by default.
"""


class VoiceHttpAdditions(HttpAdditions):
    """The call log, and the webhooks where a provider sends requests about calls."""

    about = MappingProxyType(
        {ABOUT_API: _ABOUT, "request_otp": _ABOUT_CODES, "delete_me": _ABOUT_DELETION}
    )
    errors = ERRORS
    fields = MappingProxyType({ReadinessResponse: CallHealth})
    controllers: Sequence[type[Controller]] = (CallController,)
    administration: Sequence[type[Controller]] = (AdminCallController,)
    webhooks: Sequence[str] = ("voice",)
    use_cases: Sequence[str] = ("voice.calls",)

    def __init__(self, *, has_phone_line: bool) -> None:
        if has_phone_line:
            from entrypoints.http.features.voice.webhook import VoiceController

            self.use_cases = ("voice.calls", "voice.voice")
            self.hidden_controllers = (VoiceController,)
