"""The warnings that are open, on the first page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from application.pumping.feature import PumpingFeature
from application.use_cases import UseCases
from domain.administration.scope import Scope
from entrypoints.http.console.part import ConsolePart
from entrypoints.http.console.request import ConsoleRequest

_MAX_WARNINGS: Final = 20
"""How many the page shows: those of countries, and then the latest of ranges."""


async def _describe_overview(request: ConsoleRequest, use_cases: UseCases) -> Mapping[str, Any]:
    del request
    warnings = await use_cases.of(PumpingFeature).list()
    # An id begins with its time.
    listed = sorted(warnings, key=lambda each: (not each.number_range, each.id), reverse=True)
    return {
        "pumping_warnings": listed[:_MAX_WARNINGS],
        "more_pumping_warnings": len(listed[_MAX_WARNINGS:]),
    }


PART: Final = ConsolePart(
    scope=Scope.READ_STATISTICS,
    templates=Path(__file__).parent / "templates",
    overview_section="pumping/overview_section.html",
    describe_overview=_describe_overview,
)
