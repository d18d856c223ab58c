"""The overview: whether all parts work, how many users there are, and the last 24 hours."""

import asyncio
from typing import Annotated, Final

import msgspec
from litestar import Controller, get

from application.features.statistics import StatisticsUseCases
from application.ports.errors import PortError
from application.use_cases import UseCases
from domain import errors
from domain.administration.scope import Scope
from domain.features.statistics import DEFAULT_HOURS, Dimension, query_hours
from entrypoints.http.features.statistics.fields import CountsResponse, to_counts
from entrypoints.http.fields import described
from entrypoints.http.requests.auth import BEARER, AdministrationMiddleware
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.request import ApiRequest

_COUNT_TIMEOUT: Final = 2.0
"""Seconds that a request waits for the number of users, which is counted every five minutes."""


class UserCountResponse(msgspec.Struct, kw_only=True):
    """How many users there are. It may be five minutes old."""

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
