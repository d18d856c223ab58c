"""Statistics over HTTP, and the overview: all parts, the users and the last 24 hours."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from litestar import Controller, Response, get

from application.features.statistics import StatisticsUseCases
from application.ports.errors import PortError
from application.use_cases import UseCases
from domain import errors
from domain.administration.scopes import Scope
from domain.features.statistics import DEFAULT_HOURS, Dimension, query_hours
from entrypoints.http.additions import HttpAdditions
from entrypoints.http.features.statistics import fields as schemas
from entrypoints.http.features.statistics.fields import CountsResponse, parse_query, to_counts
from entrypoints.http.fields import described
from entrypoints.http.requests.auth import BEARER, AdministrationMiddleware
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.request import ApiRequest

_COUNT_TIMEOUT: Final = 2.0
"""Seconds that a request waits for the number of users, which is counted every five minutes."""


class UserCountResponse(msgspec.Struct, kw_only=True):
    """The number of users, up to five minutes old."""

    total: Annotated[
        int, described("Users with a username who are not deleted; also blocked ones.", 48_210)
    ]
    is_estimate: Annotated[
        bool,
        described("Whether it is an estimate of all accounts, because there are too many.", False),
    ]


class OverviewResponse(msgspec.Struct, kw_only=True):
    """The state of the service."""

    is_ready: Annotated[bool, described("Whether this instance is ready for requests.", True)]
    parts: Annotated[
        dict[str, str],
        described(
            "`ok` or the problem, by the names of the parts.", {"database": "ok", "messages": "ok"}
        ),
    ]
    users: Annotated[
        UserCountResponse | None,
        described(
            "Null without the scope `statistics:read`, while they are counted, and if they cannot"
            " be counted now."
        ),
    ]
    last_24_hours: Annotated[
        CountsResponse | None,
        described("Messages and logins; null without the scope `statistics:read`."),
    ]


class OverviewController(Controller):
    """What operators see first."""

    path = "/admin/overview"
    tags = ["Administration"]
    dependencies = {"use_cases": provide(lambda use_cases: use_cases)}
    middleware = [AdministrationMiddleware]
    security = BEARER

    @get(
        summary="Show the state of the service",
        response_description="The state.",
        errors=[errors.Forbidden, errors.PasskeyRequired],
    )
    async def show_overview(
        self,
        request: ApiRequest,
        use_cases: Injected[UseCases],
        statistics: Injected[StatisticsUseCases],
    ) -> OverviewResponse:
        """Return the health of all parts, with the reasons, and a few numbers.

        `GET /health/ready`, which is public, does not name the providers.
        """
        readiness = await use_cases.operations.check_readiness()
        problems = {"database": readiness.database, **readiness.parts}
        overview = OverviewResponse(
            is_ready=readiness.is_ready,
            parts={name: problem or "ok" for name, problem in problems.items()},
            users=None,
            last_24_hours=None,
        )
        if request.operator.has_scope(Scope.READ_STATISTICS):
            query = query_hours(statistics.clock.now(), DEFAULT_HOURS, [Dimension.COUNTRY])
            report = await statistics.report(request.operator, query)
            overview.users = await _count_users(use_cases)
            overview.last_24_hours = to_counts(report.total)
        return overview


async def _count_users(use_cases: UseCases) -> UserCountResponse | None:
    try:
        async with asyncio.timeout(_COUNT_TIMEOUT):
            count = await use_cases.identities.count_users.recent()
    except (PortError, TimeoutError):
        return None
    return UserCountResponse(total=count.number, is_estimate=count.is_estimate)


class StatisticsController(Controller):
    """What this service counts by hour, for eight days, and by day, for 400 days."""

    path = "/admin/statistics"
    tags = ["Administration"]
    middleware = [AdministrationMiddleware]
    security = BEARER

    @get(
        summary="Report statistics",
        file_responses=schemas.REPORT_RESPONSES,
        errors=[
            schemas.HOURS.error,
            errors.Forbidden,
            errors.InsufficientScope,
            errors.PasskeyRequired,
        ],
    )
    async def report_statistics(
        self,
        *,
        request: ApiRequest,
        statistics: Injected[StatisticsUseCases],
        hours: schemas.HoursParameter = None,
        first_day: schemas.FirstDayParameter = None,
        last_day: schemas.LastDayParameter = None,
        by: schemas.ByParameter = None,
        file_format: schemas.FormatParameter = None,
    ) -> Response[schemas.StatisticsResponse]:
        """Sum messages and logins of the last hours, or of some days, and list rejections.

        What was counted within the last minute may be missing. The counts have no phone, IP or id.
        A service token needs the scope `statistics:read`.
        """
        query = parse_query(
            statistics.clock.now(), hours=hours, first_day=first_day, last_day=last_day, by=by
        )
        is_csv = schemas.parse_format(file_format)
        report = await statistics.report(request.operator, query)
        if is_csv:
            return schemas.csv_response(report)
        return Response(schemas.to_statistics_response(report))


class StatisticsHttpAdditions(HttpAdditions):
    """Statistics of messages and logins."""

    use_cases = ("statistics",)
    administration: Sequence[type[Controller]] = (StatisticsController, OverviewController)
