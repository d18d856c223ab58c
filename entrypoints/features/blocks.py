"""Blocks: number prefixes, networks and countries that get no codes for a time."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from adapters.databases.records.features.blocks import KINDS, make_blocks_repositories
from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from application.features.blocks.feature import BlocksFeature
    from entrypoints.http.administration.user_details import UserFields
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.parts.composition import Composition


class _Blocks(Feature):
    name = "blocks"
    kinds = KINDS
    must_be_open = True  # what commands send obeys the blocks too

    def plugins(self, *_: object) -> "Sequence[ApiPlugin]":
        from entrypoints.http.features.blocks.plugin import BlocksPlugin

        return (BlocksPlugin(),)

    def user_fields(self) -> "Sequence[type[UserFields]]":
        from entrypoints.http.features.blocks.user_fields import BlockFields

        return (BlockFields,)

    def add_details(self, composition: "Composition") -> None:
        from application.features.blocks.feature import add_blocks_details

        add_blocks_details(composition.use_cases, make_blocks_repositories(composition.database))

    async def open(self, composition: "Composition") -> None:
        """Where there are limits, read the blocks before the first request is answered."""
        from application.features.blocks.feature import READ_INTERVAL, READ_TIMEOUT, BlocksFeature
        from application.otp.use_cases import LimitUseCases
        from entrypoints.tasks.background_task import repeat

        core = composition.use_cases
        blocks = BlocksFeature(core, make_blocks_repositories(composition.database))
        core.add(blocks)
        _measure(composition, blocks)
        if core.find(LimitUseCases) is None:
            return
        await blocks.known.read()
        await composition.stack.enter_async_context(
            repeat(
                "blocks",
                blocks.known.read,
                failed_event="blocks_not_read",
                pause=READ_INTERVAL,
                limit=READ_TIMEOUT,
                metrics=composition.metrics,
                log_failure=blocks.known.warn,
            )
        )


def _measure(composition: "Composition", blocks: "BlocksFeature") -> None:
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
