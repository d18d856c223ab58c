"""Conversion: which codes are entered, and which provider of messages is tried first."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature
from entrypoints.opening.last_writes import write_last
from entrypoints.settings import parsers
from entrypoints.settings.declaration import optional
from entrypoints.settings.settings import Settings

if TYPE_CHECKING:
    from adapters.metrics.exposition import MeasuredGauge
    from adapters.metrics.metrics import Metrics
    from application.use_cases import UseCases
    from entrypoints.opening.opening import Opening

_INTERVAL: Final = timedelta(seconds=5)
"""With the time of a write and of a read, a process knows in ten seconds what others counted."""
_TIMEOUT: Final = timedelta(seconds=60)
"""The first time, 15 days are read."""
_NOT_UPDATED: Final = "conversion_not_updated"


@dataclass(frozen=True, kw_only=True)
class ConversionSettings(Settings):
    """Whether a provider of messages is left whose codes nobody enters."""

    chooses_provider: bool = optional(
        "yes tries a provider last whose codes are not entered, see docs/providers.md; no never.",
        parsers.parse_yes_or_no,
        default="yes",
        name="PROVIDER_CHOICE",
    )


class _Conversion(Feature):
    """Conversion."""

    name = "conversion"
    folders = (
        "domain/conversion",
        "application/conversion",
        "application/ports/conversion.py",
        "adapters/records/features/conversion.py",
    )
    settings = ConversionSettings
    has_cleanup = True

    def must_be_open(self, settings: "Settings") -> bool:
        """Return that it must: the codes of commands are counted too."""
        del settings
        return True

    @asynccontextmanager
    async def open(self, opening: "Opening") -> AsyncIterator[None]:
        """Count from now on, and write at the end what was counted since the last write.

        Which providers are left is read before the first request is answered.
        """
        from adapters.records.features.conversion import make_conversion_repositories
        from application.conversion.feature import ConversionFeature, ConversionPolicy
        from application.otp.feature import OtpFeature
        from application.ports.errors import CorruptRecord, StorageError

        core, settings = opening.use_cases, opening.settings.of(ConversionSettings)
        conversion = ConversionFeature(
            core,
            make_conversion_repositories(opening.database),
            ConversionPolicy(chooses_provider=settings.chooses_provider),
        )
        core.add(conversion)
        if core.find(OtpFeature) is None:
            yield
            return
        if settings.chooses_provider:
            with suppress(CorruptRecord, StorageError):  # then the order is that of the settings
                await conversion.choice.read()
        try:
            yield
        finally:
            await write_last(conversion.write, _NOT_UPDATED)

    def background_tasks(
        self, settings: "Settings", use_cases: "UseCases", metrics: "Metrics | None"
    ) -> Sequence[AbstractAsyncContextManager[None]]:
        """Write what was counted, read what all processes have, and decide by it."""
        del settings
        from application.conversion.feature import ConversionFeature
        from entrypoints.server.background_task import repeat

        task = repeat(
            "conversion",
            use_cases.of(ConversionFeature).update,
            failed_event=_NOT_UPDATED,
            pause=_INTERVAL,
            first=timedelta(),
            limit=_TIMEOUT,
            metrics=metrics,
        )
        return (task,)

    def gauges(self, settings: "Settings", use_cases: "UseCases") -> "Sequence[MeasuredGauge]":
        """Return in how many countries each provider is left."""
        del settings
        from adapters.metrics.exposition import MeasuredGauge
        from application.conversion.feature import ConversionFeature

        conversion = use_cases.of(ConversionFeature)

        async def count() -> Mapping[str, float]:
            return conversion.count_left()

        return (
            MeasuredGauge(
                name="providers_left",
                text="Countries in which a provider of messages is tried last, as few of its codes "
                "were entered, by provider.",
                measure=count,
                label="provider",
            ),
        )


CONVERSION: Final = _Conversion()
"""Conversion. It must be opened after one-time codes, and before what reads its counts."""
