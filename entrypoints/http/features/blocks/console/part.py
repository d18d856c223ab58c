"""Blocks in the console."""

from pathlib import Path
from typing import Final

from domain.administration.scope import Scope
from entrypoints.http.features.blocks.console.controller import BlockPageController
from entrypoints.http.features.console.part import ConsolePart

PART: Final = ConsolePart(
    templates=Path(__file__).parent,
    controllers=(BlockPageController,),
    navigation=((35, "Blocks", "/console/blocks", Scope.READ_BLOCKS),),
    done={
        "block_added": "The block is active. All instances apply it within five seconds.",
        "block_ended": "The block has ended. All instances stop to apply it within five seconds.",
        "block_ended_before": "This block has ended already, so nothing was done now.",
    },
)
