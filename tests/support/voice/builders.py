"""Builders of calls."""

from typing import Final

from domain.features.voice.call import Call, CallDirection, Recording
from tests.support.builders import NOW, an_id, builder

a_call: Final = builder(lambda: Call(id=an_id(), direction=CallDirection.INBOUND, started_at=NOW))
"""Inbound; it did nothing yet."""

a_recording: Final = builder(lambda: Recording(f"RE{1:032x}", duration_seconds=7, recorded_at=NOW))
