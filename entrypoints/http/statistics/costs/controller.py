"""What messages and calls cost."""

from litestar import Controller, Response, get

from application.costs.feature import CostsFeature
from domain import errors
from domain.costs.report import CostGroup, make_period, parse_day, parse_groups
from domain.statistics import errors as statistics_errors
from entrypoints.http.auth import BEARER, AdministrationMiddleware
from entrypoints.http.dependencies import Injected, provide
from entrypoints.http.parsing import FieldErrors, parsing_field
from entrypoints.http.request import ApiRequest
from entrypoints.http.statistics.costs import schemas
from entrypoints.http.statistics.costs.csv_report import csv_response


class CostController(Controller):
    """The costs of messages and calls, as this service counts them."""

    path = "/admin/costs"
    tags = ["Administration"]
    dependencies = {"costs": provide(lambda use_cases: use_cases.of(CostsFeature))}
    middleware = [AdministrationMiddleware]
    security = BEARER

    @get(
        summary="Report costs",
        response_description="The report. It may be empty.",
        other_content=schemas.CSV_RESPONSE,
        errors=[
            errors.Forbidden,
            errors.InsufficientScope,
            errors.ReauthenticationRequired,
            statistics_errors.CostsNotCounted,
        ],
    )
    async def report_costs(
        self,
        *,
        request: ApiRequest,
        costs: Injected[CostsFeature],
        first_day: schemas.FirstDayParameter = None,
        last_day: schemas.LastDayParameter = None,
        by: schemas.GroupParameter = None,
        response_format: schemas.FormatParameter = None,
    ) -> Response[schemas.CostReportResponse]:
        """Sum what messages and calls cost by country, provider or channel, or by two of them.

        The amounts are those of the price list of the service's operator, not of an invoice. What
        was counted within the last ten seconds may be missing. A service token needs the scope
        `costs:read`.

        CSV has a head and a line for each row, without a total. A `'` is before what a spreadsheet
        would run.
        """
        costs.require_prices()
        with FieldErrors() as invalid:
            with invalid.of("from"):
                first = None if first_day is None else parse_day(first_day)
            with invalid.of("to"):
                last = None if last_day is None else parse_day(last_day)
            with invalid.of("by"):
                groups = [CostGroup.COUNTRY] if by is None else parse_groups(by)
            with invalid.of("format"):
                wanted = schemas.parse_format(response_format)
        with parsing_field("from"):
            period = make_period(first, last, costs.today())
        report = await costs.report(request.caller, period, groups)
        if wanted == "csv":
            return csv_response(report)
        return Response(schemas.to_report_response(report))
