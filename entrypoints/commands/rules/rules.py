"""`dialtone rule`: add, list and end rules."""

from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from application.administration.acts import Act
from application.administration.caller import Caller
from application.rules.acts import ADD_RULE, END_RULE
from application.rules.feature import RulesFeature
from application.use_cases import UseCases
from domain.errors import DomainError, InvalidValue
from domain.identifier import parse_identifier
from domain.rules.errors import RuleNotFound
from domain.rules.parse_order import (
    LIMIT,
    InvalidOrder,
    LimitSettings,
    OrderText,
    parse_end,
    parse_order,
    parse_time,
    parse_value,
)
from domain.rules.rule import Rule, RuleOrder
from entrypoints.commands.domain_errors import explain_errors
from entrypoints.commands.operator_name import find_operator, parse_operator
from entrypoints.commands.parsing import parse_reason_option
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.features.rules import RULES
from entrypoints.opening.startup_error import InvalidArgument
from entrypoints.settings.parsers import duration
from entrypoints.settings.settings import Settings
from entrypoints.words.rule_words import describe_actor, describe_rule, format_time

_ERRORS: Final[Mapping[type[DomainError], str]] = {
    RuleNotFound: "No rule with this id is active: dialtone rule list."
}
_POSITIONS: Final = ("limit", "value")
"""What has no dashes before its name."""


def add_rule(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Add a rule."""
    text = OrderText(
        kind=LIMIT if "limit" in arguments else "block",
        prefix=arguments.prefix,
        network=getattr(arguments, "network", None),
        country=arguments.country,
        limit=getattr(arguments, "limit", None),
        value=_parse_value(getattr(arguments, "value", None)),
    )
    caller, reason = _parse_act(settings, arguments, ADD_RULE)
    ends_at = _parse_end(datetime.now(UTC), arguments)

    async def add(use_cases: UseCases) -> Rule:
        rules = use_cases.of(RulesFeature)
        return await rules.add(caller, _parse_order(text, rules.settings), ends_at, reason)

    with explain_errors(_ERRORS):
        rule = call_with_use_cases(settings, add, [RULES])
    return [f"Rule {rule.id} is active: {rule.order}, until {format_time(rule.ends_at)}."]


def list_rules(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """List the rules that are active."""
    caller = find_operator(settings.actor)
    with explain_errors(_ERRORS):
        rules = call_with_use_cases(
            settings, lambda use_cases: use_cases.of(RulesFeature).list(caller), [RULES]
        )
    if arguments.json:
        return [_to_json(rules)]
    return map(_render, rules) if rules else ["There are no rules."]


def end_rule(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """End a rule."""
    rule_id = parse_identifier(arguments.id)
    if rule_id is None:
        raise InvalidArgument("This is not the id of a rule: dialtone rule list.")
    caller, reason = _parse_act(settings, arguments, END_RULE)
    with explain_errors(_ERRORS):
        rule = call_with_use_cases(
            settings,
            lambda use_cases: use_cases.of(RulesFeature).end(caller, rule_id, reason),
            [RULES],
        )
    return [f"Rule {rule.id} has ended: {rule.order}."]


def _parse_act(settings: Settings, arguments: Namespace, act: Act) -> tuple[Caller, str]:
    caller = parse_operator(settings, arguments)
    return caller, parse_reason_option(arguments.reason, is_required=caller.needs_reason(act))


def _parse_value(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_value(text)
    except InvalidValue as error:
        raise InvalidArgument(f"VALUE: {error.message}") from None


def _parse_order(text: OrderText, limits: LimitSettings) -> RuleOrder:
    try:
        return parse_order(text, limits)
    except InvalidOrder as invalid:
        name = invalid.field.upper() if invalid.field in _POSITIONS else f"--{invalid.field}"
        problem = invalid.error.message if invalid.error else f"{text.limit} needs it."
        raise InvalidArgument(f"{name}: {problem}") from None


def _parse_end(now: datetime, arguments: Namespace) -> datetime:
    option = "--until" if arguments.until is not None else "--for"
    try:
        if arguments.until is not None:
            return parse_end(now, parse_time(arguments.until))
        return now + duration("1m", "30d")(arguments.duration)
    except InvalidValue as error:
        raise InvalidArgument(f"{option}: {error.message}") from None


def _render(rule: Rule) -> str:
    added = f"added {format_time(rule.created_at)} by {describe_actor(rule.created_by)}"
    return f"{describe_rule(rule)}  ({added})"


def _to_json(rules: Sequence[Rule]) -> str:
    from msgspec import json

    from entrypoints.http.rules.schemas import to_rules_response

    return json.encode(to_rules_response(rules)).decode()
