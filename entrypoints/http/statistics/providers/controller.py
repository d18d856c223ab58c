"""What each provider delivers, which of its codes are entered, and what these cost."""

from litestar import Controller, Response, get

from application.statistics.feature import StatisticsFeature
from domain import errors
from domain.statistics.provider_report import make_provider_query, parse_time
from domain.statistics.report import parse_counted_country
from entrypoints.http.auth import BEARER, AdministrationMiddleware
from entrypoints.http.dependencies import Injected, provide
from entrypoints.http.parsing import FieldErrors, parsing_field
from entrypoints.http.request import ApiRequest
from entrypoints.http.statistics.costs.schemas import FormatParameter, parse_format
from entrypoints.http.statistics.providers import schemas
from entrypoints.http.statistics.providers.csv_report import csv_response
from entrypoints.http.statistics.schemas import CountryParameter


class ProviderController(Controller):
    """The providers of messages and calls, as this service counts them by hour, for a week."""

    path = "/admin/providers"
    tags = ["Administration"]
    dependencies = {"statistics": provide(lambda use_cases: use_cases.of(StatisticsFeature))}
    middleware = [AdministrationMiddleware]
    security = BEARER

    @get(
        summary="Report providers",
        response_description="The report. It may be empty.",
        other_content=schemas.CSV_RESPONSE,
        errors=[
            errors.Forbidden,
            errors.InsufficientScope,
            errors.ReauthenticationRequired,
        ],
    )
    async def report_providers(
        self,
        *,
        request: ApiRequest,
        statistics: Injected[StatisticsFeature],
        first: schemas.FirstParameter = None,
        last: schemas.LastParameter = None,
        country: CountryParameter = None,
        response_format: FormatParameter = None,
    ) -> Response[schemas.ProvidersResponse]:
        """Sum messages, logins and costs by country, channel and provider.

        What was counted within the last minute may be missing. A service token needs the scope
        `statistics:read`; amounts are null without `costs:read` as well, and where no costs are
        counted.
        """
        with FieldErrors() as invalid:
            with invalid.of("from"):
                first_hour = None if first is None else parse_time(first, is_end=False)
            with invalid.of("to"):
                last_hour = None if last is None else parse_time(last, is_end=True)
            with invalid.of("country"):
                selected = None if country is None else parse_counted_country(country)
            with invalid.of("format"):
                wanted = parse_format(response_format)
        with parsing_field("from"):
            now = statistics.clock.now()
            query = make_provider_query(now, first_hour, last_hour, selected)
        report = await statistics.report_providers(request.caller, query)
        if wanted == "csv":
            return csv_response(report)
        return Response(schemas.to_providers_response(report))
