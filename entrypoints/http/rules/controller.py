"""Rules: list, add and end them."""

from litestar import Controller, get, post
from litestar.params import JSONBody

from application.rules.acts import ADD_RULE, END_RULE
from application.rules.feature import RulesFeature
from domain import errors
from domain.rules.errors import RuleNotFound, TooManyRules
from entrypoints.http.auth import BEARER, AdministrationMiddleware
from entrypoints.http.dependencies import Injected, provide
from entrypoints.http.parsing import FieldErrors, parse_id, parsing_field
from entrypoints.http.request import ApiRequest
from entrypoints.http.rules import schemas

_READ_ERRORS = (errors.Forbidden, errors.InsufficientScope, errors.ReauthenticationRequired)


class RuleController(Controller):
    """Temporary orders about numbers, networks, countries and limits."""

    path = "/admin/rules"
    tags = ["Administration"]
    dependencies = {"rules": provide(lambda use_cases: use_cases.of(RulesFeature))}
    middleware = [AdministrationMiddleware]
    security = BEARER

    @get(summary="List the rules", response_description="The rules.", errors=[*_READ_ERRORS])
    async def list_rules(
        self, request: ApiRequest, rules: Injected[RulesFeature]
    ) -> schemas.RulesResponse:
        """List the rules that are active. A service token needs `rules:read` or `rules:write`."""
        return schemas.to_rules_response(await rules.list(request.caller))

    @post(
        summary="Add a rule",
        response_description="The rule acts from now on.",
        status_code=200,
        act=ADD_RULE,
        errors=[*_READ_ERRORS, TooManyRules, errors.AuditFailed],
    )
    async def add_rule(
        self,
        request: ApiRequest,
        rules: Injected[RulesFeature],
        data: JSONBody[schemas.AddRuleBody],
    ) -> schemas.RuleResponse:
        """Add a rule. Each instance applies it within five seconds.

        What a client gets is what it gets from a country that is not served, or from a limit that
        is used up. Of several rules about one limit the lowest value holds, and a block comes
        before all of them. At most 50 rules are active. {who}.
        """
        with FieldErrors(data) as invalid:
            order, ends_at = schemas.parse_rule(data, rules.settings, rules.now(), invalid)
            with invalid.of("reason"):
                reason = request.caller.parse_reason(ADD_RULE, data.reason)
        assert order is not None  # noqa: S101 -- otherwise the block has raised
        with parsing_field("ends_at"):
            rule = await rules.add(request.caller, order, ends_at, reason)
        return schemas.to_rule_response(rule)

    @post(
        f"/{{rule_id:str}}/{END_RULE.name}",
        summary="End a rule",
        response_description="The rule has ended.",
        status_code=200,
        act=END_RULE,
        errors=[*_READ_ERRORS, RuleNotFound, errors.AuditFailed],
    )
    async def end_rule(
        self,
        request: ApiRequest,
        rules: Injected[RulesFeature],
        rule_id: schemas.RuleIdParameter,
        data: JSONBody[schemas.EndRuleBody],
    ) -> schemas.RuleResponse:
        """End a rule. Each instance stops to apply it within five seconds. {who}."""
        found_id = parse_id(rule_id, RuleNotFound())
        with FieldErrors(data) as invalid, invalid.of("reason"):
            reason = request.caller.parse_reason(END_RULE, data.reason)
        return schemas.to_rule_response(await rules.end(request.caller, found_id, reason))
