"""The library in the console."""

from pathlib import Path
from typing import Final

from domain.administration.scope import Scope
from entrypoints.http.features.console.part import ConsolePart
from entrypoints.http.features.media.console.controller import LibraryPageController

PART: Final = ConsolePart(
    templates=Path(__file__).parent,
    controllers=(LibraryPageController,),
    navigation=((60, "Library", "/console/library", Scope.READ_LIBRARY),),
    done={
        "item_hidden": "The picture is hidden.",
        "item_unhidden": "The picture is shown again.",
        "item_deleted": "The picture is deleted.",
        "item_deleted_before": "There is no such picture any more, so nothing was done now.",
    },
    user_data="pictures",
)
