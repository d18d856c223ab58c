"""Which rules decide, and what they make of the limits."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from domain.administration.audit import Actor, ActorKind
from domain.errors import ConflictingValue
from domain.otp.named_limits import change_limits
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import parse_phone
from domain.rules.changeable_limits import SubjectKind
from domain.rules.errors import RuleNotFound, TooManyRules
from domain.rules.rule import Rule, RuleKind, RuleOrder
from domain.rules.rule_set import MAX_RULES, RuleSet
from tests.support.builders import an_id

NOW: Final = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
PHONE: Final = parse_phone("+447900123456", None)
LIMITS: Final = RateLimits()


def a_rule(number: int = 1, hours: int = 1, **order: Any) -> Rule:
    return Rule(
        id=an_id(number),
        order=RuleOrder(**order),
        reason="a flood",
        created_at=NOW,
        created_by=Actor(ActorKind.OPERATING_SYSTEM_USER, "jane"),
        ends_at=NOW + hours * HOUR,
    )


def a_block(kind: SubjectKind, subject: str, **fields: Any) -> Rule:
    return a_rule(kind=RuleKind.BLOCK, subject_kind=kind, subject=subject, **fields)


def in_total(kind: RuleKind, value: int, **fields: Any) -> Rule:
    return a_rule(
        kind=kind,
        subject_kind=SubjectKind.TOTAL,
        limit="unverified_total",
        value=value,
        **fields,
    )


@pytest.mark.parametrize(
    ("subject", "client_ip", "is_blocked"),
    [
        ("203.0.113.0/24", "203.0.113.7", True),
        ("203.0.113.0/24", "203.0.114.7", False),
        ("2001:db8::/32", "2001:db8:0:7::/64", True),
        ("2001:db8::/32", "203.0.113.7", False),
        ("203.0.113.0/24", "2001:db8:0:7::/64", False),
        ("203.0.113.0/24", "unknown", False),
    ],
)
def test_a_network_has_its_clients(subject: str, client_ip: str, is_blocked: bool) -> None:
    rules = RuleSet((a_block(SubjectKind.NETWORK, subject),))

    assert bool(rules.find_block_of_client(client_ip, NOW)) is is_blocked
    assert rules.find_block(PHONE, NOW) is None


def test_of_several_blocks_the_last_end_decides_and_no_block_outlives_its_own() -> None:
    short = a_block(SubjectKind.PREFIX, "+4479")
    long = a_block(SubjectKind.COUNTRY, "GB", hours=2)
    other = a_block(SubjectKind.COUNTRY, "FR", hours=9)
    rules = RuleSet((long, short, other))

    assert rules.find_block(PHONE, NOW) == long
    assert rules.find_block(PHONE, NOW + 2 * HOUR) is None
    assert rules.active(NOW + 2 * HOUR) == [other]


@pytest.mark.parametrize(
    ("rules", "size"),
    [
        ([in_total(RuleKind.LOWER, 50)], 50),
        ([in_total(RuleKind.LOWER, 50), in_total(RuleKind.LOWER, 40)], 40),
        ([in_total(RuleKind.RAISE, 9_000), in_total(RuleKind.RAISE, 8_000)], 8_000),
        ([in_total(RuleKind.RAISE, 9_000), in_total(RuleKind.LOWER, 50)], 50),
        # The setting was another one when these were added.
        ([in_total(RuleKind.RAISE, 90_000)], 10_000),
        ([in_total(RuleKind.RAISE, 100)], None),
        ([in_total(RuleKind.LOWER, 9_000)], None),
    ],
)
def test_the_lowest_value_of_a_limit_holds(rules: list[Rule], size: int | None) -> None:
    sizes = RuleSet(tuple(rules)).change_sizes(LIMITS, "GB", PHONE.e164, NOW)

    assert sizes.get("unverified_total") == size


def test_a_rule_changes_the_limits_of_its_subject_only() -> None:
    lower = a_rule(
        kind=RuleKind.LOWER,
        subject_kind=SubjectKind.PREFIX,
        subject="+4479",
        limit="per_number_range",
        value=2,
    )
    rules = RuleSet(
        (
            lower,
            a_block(SubjectKind.NETWORK, "203.0.113.0/24"),
        )
    )

    assert rules.change_sizes(LIMITS, "GB", PHONE.e164, NOW) == {"per_number_range": 2}
    assert rules.change_sizes(LIMITS, "GB", "+447700900123", NOW) == {}
    assert rules.change_sizes(LIMITS, "GB", "", NOW) == {}


def test_parts_follow_and_all_that_is_not_named_stays() -> None:
    changed = change_limits(LIMITS, {"unverified_per_country": 100})

    def sizes(limits: RateLimits) -> dict[str, int]:
        return {limit.name: limit.window.limit for limit in limits.shared_limits(["GB"])}

    former, after = sizes(LIMITS), sizes(changed)
    differing = {name: after[name] for name in after if after[name] != former[name]}
    assert differing == {
        "unverified:strangers": 60,
        "unverified:recognized": 25,
        "unverified:reserve": 15,
    }
    assert change_limits(LIMITS, {"unverified_total": 10}).per_country == LIMITS.per_country
    window = SlidingWindow(7, HOUR)
    assert replace(LIMITS, all_total=window).all_deliveries[1] == window


def test_fifty_rules_are_active_at_most() -> None:
    rules = RuleSet(tuple(a_block(SubjectKind.COUNTRY, "GB", number=n) for n in range(MAX_RULES)))
    new = a_block(SubjectKind.COUNTRY, "FR", number=99)

    with pytest.raises(TooManyRules):
        rules.add(new)
    later = replace(new, created_at=NOW + HOUR)
    assert rules.add(later).rules == (later,)
    with pytest.raises(ConflictingValue):
        RuleSet((new,)).add(replace(new, id=an_id(98)))
    assert len(rules.end(an_id(7), NOW).add(new).rules) == MAX_RULES
    with pytest.raises(RuleNotFound):
        rules.end(an_id(99), NOW)
