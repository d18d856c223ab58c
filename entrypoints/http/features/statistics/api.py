"""Statistics over HTTP."""

from collections.abc import Sequence

from litestar import Controller, Response, get

from application.features.statistics import StatisticsUseCases
from domain import errors
from entrypoints.http.features.statistics import fields as schemas
from entrypoints.http.features.statistics.fields import parse_query
from entrypoints.http.features.statistics.overview import OverviewController
from entrypoints.http.plugin import ApiPlugin
from entrypoints.http.requests.auth import BEARER, AdministrationMiddleware
from entrypoints.http.requests.dependencies import Injected
from entrypoints.http.requests.request import ApiRequest


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


class StatisticsPlugin(ApiPlugin):
    """Statistics of messages and logins."""

    use_cases = ("statistics",)
    administration: Sequence[type[Controller]] = (StatisticsController, OverviewController)
