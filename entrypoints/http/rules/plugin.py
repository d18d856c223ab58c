"""Rules over HTTP."""

from collections.abc import Sequence

from litestar import Controller

from domain.administration.scope import Scope
from entrypoints.http.plugin import ApiPlugin
from entrypoints.http.rules.controller import RuleController
from entrypoints.http.rules.errors import ERRORS


class RulesPlugin(ApiPlugin):
    """Rules."""

    scopes = (Scope.READ_RULES, Scope.WRITE_RULES)
    errors = ERRORS
    administration: Sequence[type[Controller]] = (RuleController,)
