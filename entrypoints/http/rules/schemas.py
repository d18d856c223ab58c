"""Bodies of rules."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Final

import msgspec

from domain.errors import ConflictingValue
from domain.identifier import IDENTIFIER_PATTERN
from domain.rules.changeable_limits import CHANGEABLE_LIMITS, SubjectKind
from domain.rules.parse_order import (
    BLOCK,
    LIMIT,
    TIME_PATTERN,
    InvalidOrder,
    LimitSettings,
    OrderText,
    parse_end,
    parse_order,
    parse_time,
)
from domain.rules.rule import MAX_DURATION, MIN_DURATION, Rule, RuleKind, RuleOrder
from entrypoints.http.audit_entries import ActorResponse
from entrypoints.http.fields import (
    ID_DESCRIPTION,
    combination,
    described,
    format_timestamp,
    path_parameter,
    reason_field,
    time_field,
)
from entrypoints.http.parsing import FieldErrors, missing_field

_SUBJECTS: Final = ("prefix", "network", "country")
_OF_LIMIT: Final = ("limit", "value")
_ENDS: Final = ("seconds", "ends_at")
_RULE_ID_EXAMPLE: Final = "6561a2b7c3d4e5f60718293c"
_PREFIX: Final = (
    "How phone numbers begin: `+`, the country code and further digits, without the last four"
    " digits of a number."
)
_NETWORK: Final = (
    "A network in CIDR notation, or one IP: IPv4 from /8 on, IPv6 from /16 to /64. It blocks"
    " requests for codes only."
)
_COUNTRY: Final = "The ISO 3166-1 code of a country with phone numbers."

RuleIdParameter = Annotated[str, path_parameter(ID_DESCRIPTION, pattern=IDENTIFIER_PATTERN)]
ReasonField = Annotated[
    str, reason_field("Why, for the audit.", "SMS pumping in GB, ticket 4711", min_length=1)
]


def _combination(*sent: str) -> dict[str, Any]:
    """Return the schema of bodies that have these of the fields that exclude each other."""
    exclusive = (*_SUBJECTS, *_OF_LIMIT, *_ENDS)
    schema = combination(*sent, without=[name for name in exclusive if name not in sent])
    for name in {"value", "seconds"}.intersection(sent):
        schema["properties"][name] = {"type": "integer"}
    return schema


_SHAPES: Final = (
    *((subject,) for subject in _SUBJECTS),
    (*_OF_LIMIT, "country"),
    (*_OF_LIMIT, "prefix"),
    _OF_LIMIT,
)


class AddRuleBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A rule: one of `prefix`, `network` and `country` to block, or a limit with its value.

    A limit per country needs `country`, that of number ranges `prefix`, one in total neither. Each
    rule has an end: `seconds` or `ends_at`.
    """

    combinations: ClassVar = tuple(_combination(*sent, end) for end in _ENDS for sent in _SHAPES)

    kind: Annotated[
        str, described("`block`, or `limit` to lower or raise one.", "block", enum=[BLOCK, LIMIT])
    ]
    prefix: Annotated[str | None, described(_PREFIX, "+4479")] = None
    network: Annotated[str | None, described(_NETWORK, "203.0.113.0/24")] = None
    country: Annotated[str | None, described(_COUNTRY, "GB")] = None
    limit: Annotated[
        str | None,
        described(
            "The name of the limit, as in metrics.",
            "unverified_per_country",
            enum=[*CHANGEABLE_LIMITS, None],
        ),
    ] = None
    value: Annotated[
        int | None,
        described(
            "How many permits the limit has, in the period of its setting: less than that, or up to"
            " twice as many.",
            50,
            minimum=1,
        ),
    ] = None
    seconds: Annotated[
        int | None,
        described(
            "For how long it holds, from a minute to 30 days.",
            7200,
            minimum=int(MIN_DURATION.total_seconds()),
            maximum=int(MAX_DURATION.total_seconds()),
        ),
    ] = None
    ends_at: Annotated[
        str | None,
        described(
            "When it ends, with the offset from UTC: in a minute at least, and in 30 days at most.",
            "2026-05-01T09:30:00.000Z",
            pattern=TIME_PATTERN,
        ),
    ] = None
    reason: ReasonField


class EndRuleBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Why a rule ends."""

    reason: ReasonField


class RuleResponse(msgspec.Struct, kw_only=True):
    """A rule that is active, or was just ended."""

    id: Annotated[str, described(ID_DESCRIPTION, _RULE_ID_EXAMPLE)]
    kind: Annotated[
        str,
        described(
            "`block`, or what it does with a limit.",
            "block",
            enum=[kind.value for kind in RuleKind],
        ),
    ]
    prefix: Annotated[str | None, described("The prefix that it is about, or null.", "+4479")]
    network: Annotated[
        str | None, described("The network that it is about, or null.", "203.0.113.0/24")
    ]
    country: Annotated[str | None, described("The country that it is about, or null.", "GB")]
    limit: Annotated[
        str | None,
        described("The limit that it changes; null if it blocks.", "unverified_per_country"),
    ]
    value: Annotated[
        int | None, described("How many permits the limit has; null if it blocks.", 50)
    ]
    reason: Annotated[str, described("Why.", "SMS pumping in GB, ticket 4711")]
    created_at: Annotated[str, time_field("When it was added, in UTC.")]
    created_by: Annotated[ActorResponse, described("Who added it.")]
    ends_at: Annotated[str, time_field("When it ends, in UTC.", "2026-05-01T11:30:00.000Z")]


class RulesResponse(msgspec.Struct, kw_only=True):
    """The rules that are active."""

    rules: Annotated[list[RuleResponse], described("The oldest first, at most 50.")]


def parse_rule(
    body: AddRuleBody, settings: LimitSettings, now: datetime, invalid: FieldErrors
) -> tuple[RuleOrder | None, datetime]:
    """Parse a rule and its end. Errors are added to `invalid`; then there is no order."""
    order, ends_at = None, now
    text = OrderText(
        kind=body.kind,
        prefix=body.prefix,
        network=body.network,
        country=body.country,
        limit=body.limit,
        value=body.value,
    )
    try:
        order = parse_order(text, settings)
    except InvalidOrder as invalid_order:
        if invalid_order.error is None:
            invalid.add(missing_field(invalid_order.field))
        else:
            with invalid.of(invalid_order.field):
                raise invalid_order.error from None
    if body.seconds is None and body.ends_at is None:
        invalid.add(missing_field("seconds"))
    elif body.ends_at is None:
        with invalid.of("seconds"):
            seconds = min(max(body.seconds or 0, 0), 2 * int(MAX_DURATION.total_seconds()))
            ends_at = parse_end(now, now + timedelta(seconds=seconds))
    else:
        with invalid.of("ends_at"):
            time = parse_time(body.ends_at)
            if body.seconds is not None:
                raise ConflictingValue("Send one of seconds and ends_at.")
            ends_at = parse_end(now, time)
    return order, ends_at


def to_rule_response(rule: Rule) -> RuleResponse:
    """Convert a rule."""
    order, actor = rule.order, rule.created_by
    subjects = {kind: order.subject if order.subject_kind is kind else None for kind in SubjectKind}
    return RuleResponse(
        id=rule.id,
        kind=order.kind.value,
        prefix=subjects[SubjectKind.PREFIX],
        network=subjects[SubjectKind.NETWORK],
        country=subjects[SubjectKind.COUNTRY],
        limit=order.limit or None,
        value=order.value,
        reason=rule.reason,
        created_at=format_timestamp(rule.created_at),
        created_by=ActorResponse(
            kind=actor.kind.value,
            id=actor.id,
            name=actor.name,
            role=actor.role,
            is_claim=actor.is_claim,
        ),
        ends_at=format_timestamp(rule.ends_at),
    )


def to_rules_response(rules: Sequence[Rule]) -> RulesResponse:
    """Convert rules."""
    return RulesResponse(rules=[to_rule_response(rule) for rule in rules])
