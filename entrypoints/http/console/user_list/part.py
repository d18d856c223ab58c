"""The list of users in the console."""

from pathlib import Path
from typing import Final

from domain.administration.scope import Scope
from entrypoints.http.console.part import ConsolePart
from entrypoints.http.console.user_list.controller import UserListPageController

PART: Final = ConsolePart(
    templates=Path(__file__).parent / "templates",
    controllers=(UserListPageController,),
    navigation=((15, "All users", "/console/user-list", Scope.LIST_USERS),),
)
