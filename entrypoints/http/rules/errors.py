"""Errors of rules in responses."""

from collections.abc import Mapping
from typing import Final

from domain.rules.errors import RuleNotFound, TooManyRules
from entrypoints.http.errors.table import ApiError, ErrorRow

ERRORS: Final[Mapping[type[ApiError], ErrorRow]] = {
    RuleNotFound: ErrorRow(
        404, "rule_not_found", "No rule with this id is active: it has ended, or never was."
    ),
    TooManyRules: ErrorRow(
        409, "too_many_rules", "50 rules are active, and there may be no more: end one first."
    ),
}
