"""How many messages, logins, rejections and security events there were."""

from litestar import Controller, get

from application.statistics.feature import StatisticsFeature
from domain import errors
from domain.statistics.report import (
    make_query,
    parse_counted_country,
    parse_counted_provider,
)
from entrypoints.http.auth import BEARER, AdministrationMiddleware
from entrypoints.http.dependencies import Injected, provide
from entrypoints.http.parsing import FieldErrors, parsing_field
from entrypoints.http.request import ApiRequest
from entrypoints.http.statistics import schemas


class StatisticsController(Controller):
    """What this service counts by hour, for a week."""

    path = "/admin/statistics"
    tags = ["Administration"]
    dependencies = {"statistics": provide(lambda use_cases: use_cases.of(StatisticsFeature))}
    middleware = [AdministrationMiddleware]
    security = BEARER

    @get(
        summary="Report statistics",
        response_description="The report. It may be empty.",
        errors=[
            schemas.HOURS.error,
            errors.Forbidden,
            errors.InsufficientScope,
            errors.ReauthenticationRequired,
        ],
    )
    async def report_statistics(
        self,
        *,
        request: ApiRequest,
        statistics: Injected[StatisticsFeature],
        hours: schemas.HoursParameter = None,
        country: schemas.CountryParameter = None,
        provider: schemas.ProviderParameter = None,
    ) -> schemas.StatisticsResponse:
        """Sum messages and logins by hour, country, provider and channel, and list rejections.

        What was counted within the last minute may be missing. The counts are kept for eight days,
        and have no phone, IP or id. A service token needs the scope `statistics:read`.
        """
        with FieldErrors() as invalid:
            with invalid.of("hours"):
                count = schemas.HOURS.parse(hours)
            with invalid.of("country"):
                selected = None if country is None else parse_counted_country(country)
            with invalid.of("provider"):
                name = None if provider is None else parse_counted_provider(provider)
        with parsing_field("hours"):
            query = make_query(statistics.clock.now(), count, selected, name)
        return schemas.to_statistics_response(await statistics.report(request.caller, query))
