"""The rules that are active, and forms that add and end one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from litestar import get, post
from litestar.response import Redirect, Template

from application.limits.measure_limits import LimitUse
from application.otp.feature import LimitsFeature
from application.ports.errors import PortError
from application.rules.acts import ADD_RULE, END_RULE
from application.rules.feature import RulesFeature
from application.use_cases import UseCases
from domain.administration.scope import Scope
from domain.errors import (
    ConflictingValue,
    Forbidden,
    FreshLoginRequired,
    InvalidValue,
    PasskeyRequired,
    UnsupportedValue,
)
from domain.phone import PhoneNumber
from domain.rules.changeable_limits import CHANGEABLE_LIMITS, SubjectKind
from domain.rules.errors import RuleNotFound, TooManyRules
from domain.rules.parse_order import (
    BLOCK,
    LIMIT,
    InvalidOrder,
    LimitSettings,
    OrderText,
    parse_end,
    parse_order,
    parse_time,
    parse_value,
)
from domain.rules.rule import Rule, RuleKind, RuleOrder
from entrypoints.http.console.console_controller import ConsoleController
from entrypoints.http.console.forms import read_form
from entrypoints.http.console.middleware import NEEDED_SCOPE
from entrypoints.http.console.render import render, see_other
from entrypoints.http.console.request import ConsoleRequest
from entrypoints.http.dependencies import Injected, provide
from entrypoints.http.errors.exceptions import InvalidFields
from entrypoints.http.fields import IdParameter, format_timestamp
from entrypoints.http.parsing import FieldErrors, missing_field, parse_id
from entrypoints.words.rule_words import describe_actor

_RULES: Final = "/console/rules"
_DURATIONS: Final = {
    "1h": (timedelta(hours=1), "one hour"),
    "3h": (timedelta(hours=3), "three hours"),
    "12h": (timedelta(hours=12), "twelve hours"),
    "1d": (timedelta(days=1), "a day"),
    "7d": (timedelta(days=7), "seven days"),
    "30d": (timedelta(days=30), "30 days"),
}
"""How long a rule may hold, with the words of the list. A time of its own is typed."""
_BLOCKED_SUBJECTS: Final = {
    SubjectKind.PREFIX: "Numbers that begin with",
    SubjectKind.NETWORK: "A network, for requests for codes",
    SubjectKind.COUNTRY: "A country",
}
_FIELDS: Final = (
    *("subject_kind", "subject", "limit", "value", "country", "prefix"),
    *("duration", "ends_at", "reason"),
)


class RulePageController(ConsoleController):
    """What `dialtone rule` does.

    - A rule is previewed before it is added: what it does, and what it is compared with.
    - To add and end one needs a session by a passkey. Others see the rules, and how to get one.
    """

    path = _RULES
    opt = {NEEDED_SCOPE: Scope.READ_RULES}
    dependencies = {
        **ConsoleController.dependencies,
        "rules": provide(lambda use_cases: use_cases.of(RulesFeature)),
    }

    @get("/")
    async def list_rules(self, request: ConsoleRequest, rules: Injected[RulesFeature]) -> Template:
        """Return the page with the active rules."""
        return render(
            request,
            "rules/list.html",
            rules=await rules.list(request.caller),
            describe_actor=describe_actor,
            obstacle=_find_obstacle(request),
        )

    @get([f"/{BLOCK}", f"/{LIMIT}"])
    async def show_form(self, request: ConsoleRequest, rules: Injected[RulesFeature]) -> Template:
        """Return the form of a rule that blocks, or changes a limit."""
        request.caller.check_act(ADD_RULE)
        return _render_form(request, rules)

    @post([f"/{BLOCK}", f"/{LIMIT}"], status_code=200)
    async def add(
        self,
        request: ConsoleRequest,
        use_cases: Injected[UseCases],
        rules: Injected[RulesFeature],
    ) -> Redirect | Template:
        """Return the preview of a rule. Its form adds the rule."""
        request.caller.check_act(ADD_RULE)
        form = await read_form(request)
        if form["changed"]:
            return _render_form(request, rules, form=form)
        try:
            order, ends_at, reason = _parse(request, form, rules)
        except InvalidFields as error:
            return _render_form(request, rules, 400, form=form, errors=_by_field(error))
        if await _is_active(request, rules, order, ends_at):
            return see_other(_RULES, "rule_added_before")
        if not form["confirmed"]:
            return await _render_preview(request, use_cases, rules, form, order, ends_at, reason)
        try:
            await rules.add(request.caller, order, ends_at, reason)
        except (TooManyRules, InvalidValue) as error:
            if await _is_active(request, rules, order, ends_at):
                return see_other(_RULES, "rule_added_before")
            errors = {"": request.errors.message(error)}
            return _render_form(
                request, rules, request.errors.status(error), form=form, errors=errors
            )
        return see_other(_RULES, "rule_added")

    @get(f"/{{rule_id:str}}/{END_RULE.name}")
    async def confirm_end(
        self, request: ConsoleRequest, rules: Injected[RulesFeature], rule_id: IdParameter
    ) -> Redirect | Template:
        """Return the page that asks whether to end a rule."""
        request.caller.check_act(END_RULE)
        rule = await _find(request, rules, rule_id)
        if rule is None:
            return see_other(_RULES, "rule_ended_before")
        return _render_end(request, rule)

    @post(f"/{{rule_id:str}}/{END_RULE.name}", status_code=200)
    async def end(
        self, request: ConsoleRequest, rules: Injected[RulesFeature], rule_id: IdParameter
    ) -> Redirect | Template:
        """End a rule."""
        request.caller.check_act(END_RULE)
        text = (await read_form(request))["reason"]
        rule = await _find(request, rules, rule_id)
        if rule is None:
            return see_other(_RULES, "rule_ended_before")
        try:
            reason = request.caller.parse_reason(END_RULE, text)
        except InvalidValue as error:
            return _render_end(request, rule, 400, reason=text, error=request.errors.message(error))
        try:
            await rules.end(request.caller, rule.id, reason)
        except RuleNotFound:
            return see_other(_RULES, "rule_ended_before")
        return see_other(_RULES, "rule_ended")


def _find_obstacle(request: ConsoleRequest) -> str:
    """Return why the caller adds and ends no rules: `passkey`, `role` or empty."""
    try:
        request.caller.check_act(ADD_RULE)
    except PasskeyRequired:
        return "passkey"
    except (Forbidden, FreshLoginRequired):
        return "role"
    return ""


async def _is_active(
    request: ConsoleRequest, rules: RulesFeature, order: RuleOrder, ends_at: datetime
) -> bool:
    """Return whether this rule was added before: a second click sends the same end."""
    active = await rules.list(request.caller)
    return any((rule.order, rule.ends_at) == (order, ends_at) for rule in active)


async def _find(request: ConsoleRequest, rules: RulesFeature, rule_id: str) -> Rule | None:
    found_id = parse_id(rule_id, RuleNotFound())
    active = await rules.list(request.caller)
    return next((rule for rule in active if rule.id == found_id), None)


def _parse(
    request: ConsoleRequest, form: Mapping[str, str], rules: RulesFeature
) -> tuple[RuleOrder, datetime, str]:
    """Parse the form of a rule.

    Raises:
        InvalidFields
    """
    order, ends_at = None, rules.now()
    with FieldErrors() as invalid:
        try:
            order = _parse_order(request.act_name, form, rules.settings)
        except InvalidOrder as error:
            is_subject = request.act_name == BLOCK and error.field in [*SubjectKind]
            field = "subject" if is_subject else error.field
            if error.error is None:
                invalid.add(missing_field(field))
            else:
                with invalid.of(field):
                    raise error.error from None
        with invalid.of("ends_at" if form["ends_at"] else "duration"):
            ends_at = _parse_end(rules.now(), form)
        with invalid.of("reason"):
            reason = request.caller.parse_reason(ADD_RULE, form["reason"])
    assert order is not None  # noqa: S101 -- otherwise the block has raised
    return order, ends_at, reason


def _parse_order(kind: str, form: Mapping[str, str], settings: LimitSettings) -> RuleOrder:
    if kind == BLOCK:
        subject_kind = form["subject_kind"]
        if subject_kind not in _BLOCKED_SUBJECTS:
            raise InvalidOrder("subject_kind", UnsupportedValue("Choose one of the list."))
        if not form["subject"]:
            raise InvalidOrder("subject")
        sent = {subject_kind: form["subject"]}
        block = OrderText(
            kind=BLOCK,
            prefix=sent.get(SubjectKind.PREFIX),
            network=sent.get(SubjectKind.NETWORK),
            country=sent.get(SubjectKind.COUNTRY),
        )
        return parse_order(block, settings)
    try:
        value = parse_value(form["value"])
    except InvalidValue as error:
        raise InvalidOrder("value", error) from None
    text = OrderText(
        kind=LIMIT,
        limit=form["limit"],
        value=value,
        country=form["country"] or None,
        prefix=form["prefix"] or None,
    )
    return parse_order(text, settings)


def _parse_end(now: datetime, form: Mapping[str, str]) -> datetime:
    """Parse how long a rule holds, or when it ends.

    Raises:
        InvalidValue
    """
    if form["ends_at"]:
        if form["duration"]:
            raise ConflictingValue("Choose how long it holds, or write when it ends: not both.")
        return parse_end(now, parse_time(form["ends_at"]))
    if form["duration"] not in _DURATIONS:
        raise UnsupportedValue("Choose how long it holds.")
    return parse_end(now, now + _DURATIONS[form["duration"]][0])


def _by_field(error: InvalidFields) -> Mapping[str, str]:
    return {wrong.field: wrong.message for wrong in error.field_errors}


def _render_form(
    request: ConsoleRequest,
    rules: RulesFeature,
    status_code: int = 200,
    *,
    form: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Template:
    windows = rules.settings.windows
    return render(
        request,
        "rules/form.html",
        status_code=status_code,
        kind=request.act_name,
        form=defaultdict(str, form or {}),
        errors=defaultdict(str, errors or {}),
        subject_kinds=[(kind.value, words) for kind, words in _BLOCKED_SUBJECTS.items()],
        durations=[
            ("", "Until the time below"),
            *((name, words) for name, (_, words) in _DURATIONS.items()),
        ],
        limits=[
            (name, f"{name}, now {windows[name].limit}: {_describe_subject(limit.subject_kind)}")
            for name, limit in CHANGEABLE_LIMITS.items()
        ],
    )


def _describe_subject(kind: SubjectKind) -> str:
    return "in total" if kind is SubjectKind.TOTAL else f"needs a {kind}"


async def _render_preview(
    request: ConsoleRequest,
    use_cases: UseCases,
    rules: RulesFeature,
    form: Mapping[str, str],
    order: RuleOrder,
    ends_at: datetime,
    reason: str,
) -> Template:
    """Return what a rule will do."""
    own = await use_cases.administration.find_user(request.caller.actor.id)
    active = await rules.list(request.caller)
    kept = {name: form[name] for name in _FIELDS if name not in ("duration", "ends_at")}
    return render(
        request,
        "rules/preview.html",
        order=order,
        kinds=RuleKind,
        subjects=SubjectKind,
        ends_at=ends_at,
        reason=reason,
        kept={**kept, "ends_at": format_timestamp(ends_at)},
        window=rules.settings.windows.get(order.limit),
        use=await _find_use(use_cases, order),
        similar=[rule for rule in active if _is_similar(rule.order, order)],
        is_own_number=_blocks_phone(order, own.phone),
        is_own_network=order.covers_client(request.client_ip),
        action_path=f"{_RULES}/{request.act_name}",
    )


def _is_similar(one: RuleOrder, other: RuleOrder) -> bool:
    """Return whether both are about the same."""
    return (one.subject_kind, one.subject, one.limit) == (
        other.subject_kind,
        other.subject,
        other.limit,
    )


def _blocks_phone(order: RuleOrder, phone: PhoneNumber | None) -> bool:
    return order.kind is RuleKind.BLOCK and phone is not None and order.covers(phone)


async def _find_use(use_cases: UseCases, order: RuleOrder) -> LimitUse | None:
    """Return how much of the limit is used that a rule changes; None if nobody knows."""
    if order.value is None:
        return None
    try:
        uses: Sequence[LimitUse] = await use_cases.of(LimitsFeature).measure_limits()
    except PortError:
        return None  # a limit store of its own is away
    of_limit = [use for use in uses if (use.limit, use.country) == (order.limit, order.subject)]
    return next((use for use in of_limit if not use.part), None)


def _render_end(
    request: ConsoleRequest,
    rule: Rule,
    status_code: int = 200,
    **context: Any,
) -> Template:
    shared = {"rule": rule, "describe_actor": describe_actor, "reason": "", "error": ""}
    return render(request, "rules/end.html", status_code=status_code, **(shared | context))
