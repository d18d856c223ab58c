"""Blocks: number prefixes, networks and countries that get no codes for a time."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from adapters.databases.records.features.blocks import KINDS, make_block_lists
from application.additions import Additions
from application.opened import Opened
from entrypoints.features.feature import Feature
from entrypoints.tasks.background_task import repeat

if TYPE_CHECKING:
    from application.features.blocks import Blocks, KnownBlocks
    from entrypoints.http.additions import HttpAdditions
    from entrypoints.http.administration.user_details import UserFields
    from entrypoints.parts.composition import Composition


class _Blocks(Feature["Blocks"]):
    name = "blocks"
    kinds = KINDS
    must_be_open = True  # what commands send obeys the blocks too

    def http_additions(self, *_: object) -> "Sequence[HttpAdditions]":
        from entrypoints.http.features.blocks.api import BlocksHttpAdditions

        return (BlocksHttpAdditions(),)

    def user_fields(self) -> "Sequence[type[UserFields]]":
        from entrypoints.http.features.blocks.fields import BlockFields

        return (BlockFields,)

    def details(self, composition: "Composition") -> Additions:
        from application.features.blocks import show_blocks

        return show_blocks(composition.core_ports, make_block_lists(composition.database))

    async def open(self, composition: "Composition") -> Opened["Blocks"]:
        """Read the blocks before the first request is answered, if there are limits."""
        from application.features import blocks as feature

        known = feature.KnownBlocks(
            make_block_lists(composition.database), composition.system.clock
        )
        _measure(composition, known)
        if "limits" in composition.opens:
            await known.read()
            await composition.stack.enter_async_context(
                repeat(
                    "blocks",
                    known.read,
                    failed_event="blocks_not_read",
                    pause=feature.READ_INTERVAL,
                    limit=feature.READ_TIMEOUT,
                    metrics=composition.metrics,
                    log_failure=known.warn,
                )
            )
        return feature.open_blocks(known)


def _measure(composition: "Composition", blocks: "KnownBlocks") -> None:
    async def count() -> Mapping[tuple[str, ...], float]:
        return {(kind,): number for kind, number in blocks.count().items()}

    async def measure_age() -> float:
        return blocks.age().total_seconds()

    composition.add_gauge(
        "blocks", "Blocks that are active, as the process that answers knows them.", count, "kind"
    )
    composition.add_gauge(
        "blocks_read_age_seconds",
        "How long ago the blocks were read, by the process that answers.",
        measure_age,
    )


BLOCKS: Final = _Blocks()
"""Opened with the core: blocks act on all that sends a code."""
