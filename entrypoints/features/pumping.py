"""Pumping: what is asked of strangers where codes are not entered."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature
from entrypoints.settings import parsers
from entrypoints.settings.declaration import optional
from entrypoints.settings.settings import Settings

if TYPE_CHECKING:
    from adapters.metrics.exposition import MeasuredGauge
    from adapters.metrics.metrics import Metrics
    from application.use_cases import UseCases
    from entrypoints.opening.opening import Opening

_INTERVAL: Final = timedelta(seconds=5)
"""So late a warning of another process acts at most."""
_TIMEOUT: Final = timedelta(seconds=15)
"""The longest call of a database."""


@dataclass(frozen=True, kw_only=True)
class PumpingSettings(Settings):
    """What is asked of strangers where codes are not entered."""

    pumping_protection: bool = optional(
        "yes asks strangers for a proof, or sends them less, where they do not enter codes.",
        parsers.parse_yes_or_no,
        default="yes",
    )


class _Pumping(Feature):
    """Pumping."""

    name = "pumping"
    folders = (
        "domain/pumping",
        "application/pumping",
        "application/ports/pumping.py",
        "adapters/records/features/pumping.py",
        "entrypoints/commands/pumping",
        "entrypoints/http/console/pumping",
    )
    needs = ("conversion",)
    settings = PumpingSettings
    has_cleanup = True

    def must_be_open(self, settings: "Settings") -> bool:
        """Return that it must: what commands send obeys the warnings too."""
        del settings
        return True

    @asynccontextmanager
    async def open(self, opening: "Opening") -> AsyncIterator[None]:
        """Add the use cases. Warnings act before the first request is answered."""
        from adapters.records.features.pumping import make_pumping_repositories
        from application.pumping.feature import PumpingFeature

        settings = opening.settings.of(PumpingSettings)
        pumping = PumpingFeature(
            opening.use_cases,
            make_pumping_repositories(opening.database),
            protects=settings.pumping_protection,
        )
        opening.use_cases.add(pumping)
        if pumping.known is not None:
            await pumping.read()
        yield

    def background_tasks(
        self, settings: "Settings", use_cases: "UseCases", metrics: "Metrics | None"
    ) -> Sequence[AbstractAsyncContextManager[None]]:
        """Read the warnings, and open and close them by the counts."""
        from application.pumping.feature import PumpingFeature
        from entrypoints.server.background_task import repeat

        if not settings.of(PumpingSettings).pumping_protection:
            return ()
        task = repeat(
            "pumping",
            use_cases.of(PumpingFeature).update,
            failed_event="pumping_not_updated",
            pause=_INTERVAL,
            limit=_TIMEOUT,
            metrics=metrics,
        )
        return (task,)

    def gauges(self, settings: "Settings", use_cases: "UseCases") -> "Sequence[MeasuredGauge]":
        """Return how many warnings are open."""
        del settings
        from adapters.metrics.exposition import MeasuredGauge
        from application.pumping.feature import PumpingFeature

        pumping = use_cases.of(PumpingFeature)

        async def count() -> Mapping[str, float]:
            return pumping.count()

        return (
            MeasuredGauge(
                name="pumping_warnings",
                text="Open warnings that codes are not entered, by country, as the process that "
                "answers knows them.",
                measure=count,
                label="country",
            ),
        )


PUMPING: Final = _Pumping()
"""Opened with the core: warnings act on all that sends a code."""
