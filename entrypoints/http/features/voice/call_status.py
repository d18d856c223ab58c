"""The status of a call, as the API shows it."""

from domain.features.voice.call import CallStatus


def show_call_status(status: CallStatus) -> str:
    """Return the status of a call with hyphens."""
    return status.value.replace("_", "-")
