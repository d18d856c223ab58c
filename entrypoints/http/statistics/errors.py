"""Errors of costs in responses."""

from collections.abc import Mapping
from typing import Final

from domain.statistics.errors import CostsNotCounted
from entrypoints.http.errors.table import ApiError, ErrorRow

ERRORS: Final[Mapping[type[ApiError], ErrorRow]] = {
    CostsNotCounted: ErrorRow(
        404,
        "costs_not_counted",
        "This service counts no costs. Its operator can change that with DIALTONE_PRICES.",
    ),
}
