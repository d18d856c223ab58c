"""The calls of a user, in the console."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from application.administration.show_user import UserDetails
from application.voice.details import CallDetails
from domain.administration.scope import Scope
from entrypoints.http.console.part import ConsolePart


def _describe_user(details: UserDetails) -> Mapping[str, Any]:
    shown = details.parts.find(CallDetails)
    return {"calls": shown.calls if shown else ()}


PART: Final = ConsolePart(
    scope=Scope.READ_CALLS,
    templates=Path(__file__).parent / "templates",
    user_data="recordings",
    describe_user=_describe_user,
)
