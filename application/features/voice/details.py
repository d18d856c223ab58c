"""What is shown of a user's calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from application.features.voice.ports import Calls
from application.use_cases import UseCases
from domain.administration.retained_data import RetainedData
from domain.features.voice.call import Call
from domain.identities.identity import Identity

LAST_CALLS: Final = 10


@dataclass(frozen=True, slots=True)
class CallDetails:
    """The last calls of a user, the newest first."""

    calls: Sequence[Call]


def add_call_details(core: UseCases, calls: Calls, call_retention: timedelta) -> None:
    """Let the core show calls, and what remains of them. Only records are read."""

    async def load(identity: Identity | None) -> CallDetails | None:
        if identity is None or identity.is_deleted:
            return None
        return CallDetails(await calls.list_after(identity.id, None, LAST_CALLS))

    def retain(deleted_at: datetime) -> RetainedData:
        return RetainedData(
            "calls, without the account", "the call log", deleted_at + call_retention
        )

    core.administration.details_parts.append(load)
    core.administration.list_retained_data.cleaned_up.append("recordings")
    core.administration.list_retained_data.others.append(retain)
