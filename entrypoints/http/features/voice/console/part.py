"""The calls of a user, in the console."""

from typing import Final

from domain.administration.scope import Scope
from entrypoints.http.features.console.part import ConsolePart

PART: Final = ConsolePart(
    scope=Scope.READ_CALLS,
    user_data="recordings",
    user_fields=("calls",),
)
