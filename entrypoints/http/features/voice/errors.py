"""Errors of the call log in responses."""

from collections.abc import Mapping
from typing import Final

from domain.features.voice.errors import CallNotFound, CallRecordingNotFound
from entrypoints.http.errors.table import ApiError, ErrorRow

ERRORS: Final[Mapping[type[ApiError], ErrorRow]] = {
    CallNotFound: ErrorRow(404, "call_not_found", "Call not found"),
    CallRecordingNotFound: ErrorRow(404, "recording_not_found", "Recording not found"),
}
