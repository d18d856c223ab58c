"""Rules act on all that sends a code, at once, and until their end."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from application.identities.login import LoggedIn
from application.otp.events import OtpRequestRejected
from application.otp.send_code import SendCodeCommand
from application.ports.errors import StorageUnavailable
from application.rules.acts import ADD_RULE, END_RULE, RULE_ACTS
from application.rules.details import rules_about
from application.rules.feature import RulesFeature
from domain.administration.audit import AuditAction
from domain.administration.scope import Scope
from domain.errors import (
    AuditFailed,
    ConflictingValue,
    CountryNotServed,
    InsufficientScope,
    InvalidValue,
    TooManyOtpRequests,
)
from domain.identities.phone_change import PhoneNotice
from domain.otp.delivery import Channel
from domain.otp.message_preferences import MessagePreferences
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber, parse_phone
from domain.rules.errors import RuleNotFound, TooManyRules
from domain.rules.parse_order import OrderText, parse_order
from domain.rules.rule import Rule, RuleKind
from domain.rules.rule_set import MAX_RULES
from tests.support.acts import BY_COMMAND, REASON, a_token, assert_refused
from tests.support.app_harness import AppHarness
from tests.support.builders import CLIENT_IP, a_phone, an_id
from tests.support.core_harness import WEBHOOK_URLS
from tests.support.policies import make_policy

HOUR: Final = timedelta(hours=1)
NEXT_IP: Final = "198.51.100.7"
PREFIX: Final = "+1415"
IN_US: Final[dict[str, Any]] = {"limit": "unverified_per_country", "country": "US"}


@pytest.fixture
def rules(app: AppHarness) -> RulesFeature:
    return app.use_cases.of(RulesFeature)


def rules_of(app: AppHarness) -> RulesFeature:
    return app.use_cases.of(RulesFeature)


async def add(app: AppHarness, duration: timedelta = HOUR, **text: Any) -> Rule:
    rules, kind = rules_of(app), "limit" if "limit" in text else "block"
    order = parse_order(OrderText(kind=kind, **text), rules.settings)
    return await rules.add(BY_COMMAND, order, app.clock.now() + duration, REASON)


def app_with_limits(**limits: Any) -> AppHarness:
    return AppHarness(policy=make_policy(rate_limits=replace(RateLimits(), **limits)))


async def retry_after(app: AppHarness, number: int = 9, client_ip: str = NEXT_IP) -> int:
    with pytest.raises(TooManyOtpRequests) as raised:
        await app.request_otp(a_phone(number), client_ip)
    return raised.value.retry_after


def in_own_range(number: int) -> PhoneNumber:
    return parse_phone(f"+1415{555 + number}2671", None)


def rejected_by(app: AppHarness) -> str:
    return app.events.of_type(OtpRequestRejected)[-1].limit


@pytest.mark.parametrize(
    ("block", "limit"),
    [({"prefix": PREFIX}, "rule_prefix"), ({"country": "US"}, "rule_country")],
)
async def test_a_blocked_number_is_one_of_a_country_that_is_not_served(
    app: AppHarness, block: dict[str, Any], limit: str
) -> None:
    rule = await add(app, **block)

    with pytest.raises(CountryNotServed) as raised:
        await app.request_otp()
    assert (str(raised.value), rejected_by(app), app.messenger.messages) == ("", limit, [])
    # Another country, and the same one after the end.
    assert (await app.request_otp(parse_phone("+447900123456", None), NEXT_IP)).sent
    app.clock.advance(rule.ends_at - app.clock.now())
    assert (await app.request_otp()).sent


async def test_a_blocked_network_is_one_without_permits(app: AppHarness) -> None:
    await app.request_otp(a_phone(2))
    code = app.last_code
    rule = await add(app, network=f"{CLIENT_IP}/32")

    assert await retry_after(app, 1, CLIENT_IP) == 3600
    assert rejected_by(app) == "rule_network"
    # A code that was sent before is checked, and other networks get theirs.
    assert isinstance(await app.verify_otp(code, a_phone(2)), LoggedIn)
    assert (await app.request_otp(a_phone(1), NEXT_IP)).sent
    app.clock.advance(rule.ends_at - app.clock.now())
    assert (await app.request_otp(a_phone(3))).sent


async def test_a_rejected_request_uses_up_nothing() -> None:
    app = app_with_limits(per_ip=SlidingWindow(1, HOUR))
    rule = await add(app, network="203.0.113.0/24", prefix=None)

    for _ in range(3):
        await retry_after(app, 1, CLIENT_IP)
    await rules_of(app).end(BY_COMMAND, rule.id, REASON)
    assert (await app.request_otp()).sent


async def test_a_limit_is_lowered_for_what_was_counted_and_restored_by_the_end(
    app: AppHarness,
) -> None:
    for number in range(8):
        assert (await app.request_otp(in_own_range(number), f"198.18.{number}.1")).sent
    # Strangers have 60 % of it.
    rule = await add(app, **IN_US, value=10, duration=timedelta(minutes=10))

    # It is given back by the end of the rule, before the permits expire.
    assert await retry_after(app) == 600
    assert rejected_by(app) == "rule_unverified_per_country"
    uses = {use.limit: use.allowed for use in await app.limits.measure_limits() if not use.part}
    assert uses["failed_attempts_total"] == 5_000
    await rules_of(app).end(BY_COMMAND, rule.id, REASON)
    assert (await app.request_otp(a_phone(9), NEXT_IP)).sent


async def test_the_use_of_a_limit_is_that_of_the_lowered_one(app: AppHarness) -> None:
    await app.request_otp()
    await add(app, **IN_US, value=100)

    allowed = {
        use.allowed
        for use in await app.limits.measure_limits()
        if (use.limit, use.part, use.country) == ("unverified_per_country", "strangers", "US")
    }
    assert allowed == {60}


async def test_a_limit_is_raised_until_the_end_of_the_rule() -> None:
    app = app_with_limits(per_country=SlidingWindow(10, HOUR))
    for number in range(7):
        await app.request_otp(in_own_range(number), f"198.18.{number}.1")
    await retry_after(app)
    await add(app, **IN_US, value=20, duration=timedelta(minutes=10))
    for number in range(7, 12):
        await app.request_otp(in_own_range(number), f"198.18.{number}.1")

    # The end of the rule does not give a permit, so the client waits for those that expire.
    assert await retry_after(app, 13) in range(3600, 3661)


@pytest.mark.parametrize("is_ended_before_login", [True, False])
async def test_permits_are_given_back_whenever_a_rule_begins_and_ends(
    *, is_ended_before_login: bool
) -> None:
    # With the setting there is no part for recognized phones: only the rule makes one.
    app = app_with_limits(per_country=SlidingWindow(3, HOUR))
    await app.log_in(a_phone(1))
    used = await app.limits.measure_limits()
    rule = await add(app, **IN_US, value=6)
    app.advance(minutes=1)
    await app.request_otp(a_phone(1))
    if is_ended_before_login:
        await rules_of(app).end(BY_COMMAND, rule.id, REASON)
    assert isinstance(await app.verify_otp(app.last_code, a_phone(1)), LoggedIn)

    app.advance(minutes=1)
    await rules_of(app).known.read()
    count = [use for use in await app.limits.measure_limits() if use.limit == IN_US["limit"]]
    assert [use.used for use in count] == [0] * len(count)
    assert used


async def test_a_number_range_of_a_prefix_is_lowered(app: AppHarness) -> None:
    await add(app, limit="per_number_range", value=1, prefix=PREFIX)
    await app.request_otp(a_phone(1), "198.18.1.1")

    await retry_after(app)
    assert rejected_by(app) == "rule_per_number_range"
    assert (await app.request_otp(parse_phone("+447900123456", None), NEXT_IP)).sent


async def test_a_lowered_limit_of_failed_attempts_leaves_fewer(app: AppHarness) -> None:
    await app.request_otp()
    await add(app, limit="failed_attempts_total", value=1)
    await app.verify_otp("000000", request_id=None)
    await app.request_otp(a_phone(2), NEXT_IP)

    delivery = app.database.phone_verifications[a_phone(2)].value.deliveries[-1]
    assert delivery.attempt_limit == 2


async def test_nobody_is_called_back_or_gets_a_notice_at_a_blocked_number() -> None:
    app = AppHarness(policy=make_policy(webhook_urls=WEBHOOK_URLS))
    rule = await add(app, prefix=PREFIX)

    assert not await app.callbacks.request(a_phone(), an_id(1))
    assert rejected_by(app) == "rule_prefix"
    assert not await app.otp.send_notice(a_phone(), PhoneNotice.PHONE_CHANGED, None)
    app.clock.advance(rule.ends_at - app.clock.now())
    assert await app.callbacks.request(a_phone(), an_id(1))
    assert await app.otp.send_notice(a_phone(), PhoneNotice.PHONE_CHANGED, None)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ({"country": "US"}, CountryNotServed),
        ({"limit": "all_total", "value": 1}, TooManyOtpRequests),
    ],
)
async def test_an_operator_is_told_which_rule_rejects(
    app: AppHarness, text: dict[str, Any], error: type[Exception]
) -> None:
    await app.request_otp(a_phone(2), NEXT_IP)
    rule = await add(app, **text)
    code = SendCodeCommand(
        client_ip=CLIENT_IP, channel=Channel.SMS, preferences=MessagePreferences()
    )

    with pytest.raises(error, match=f"rule {rule.id} rejects it until"):
        await app.otp.send_code(BY_COMMAND, a_phone(), code, REASON)


async def test_another_limit_is_not_explained_by_a_rule() -> None:
    app = app_with_limits(total=SlidingWindow(1, HOUR), all_deliveries_factor=1)
    await add(app, limit="all_per_country", country="US", value=100)
    await app.request_otp()
    code = SendCodeCommand(
        client_ip=CLIENT_IP, channel=Channel.SMS, preferences=MessagePreferences()
    )

    with pytest.raises(TooManyOtpRequests) as raised:
        await app.otp.send_code(BY_COMMAND, a_phone(2), code, REASON)
    assert (str(raised.value), rejected_by(app)) == ("", "all_total")


async def test_the_details_of_a_user_have_the_rules_about_the_phone(app: AppHarness) -> None:
    about = [await add(app, prefix=PREFIX), await add(app, limit="all_total", value=9)]
    await add(app, country="GB")
    details = await app.limits.show_user(BY_COMMAND, a_phone(), REASON)

    assert rules_about(details) == about
    assert details.verification is not None
    assert details.verification.not_served.startswith(f"rule {about[0].id} blocks it until")


# Add, list and end


async def test_the_audit_has_a_rule_before_it_acts(app: AppHarness) -> None:
    app.faults.fail_on("audit_log.add")
    with pytest.raises(AuditFailed):
        await add(app, country="US")
    assert await rules_of(app).list(BY_COMMAND) == []

    rule = await add(app, prefix="+4479001")
    await rules_of(app).end(BY_COMMAND, rule.id, REASON)
    entries = sorted(app.database.audit_entries, key=lambda entry: entry.action)
    assert [(entry.action, entry.subject) for entry in entries] == [
        (AuditAction.ADD_RULE, rule.id),
        (AuditAction.END_RULE, rule.id),
    ]
    assert entries[0].reason.startswith("block prefix +4479001, until ")
    assert entries[0].reason.endswith(f". {REASON}")


async def test_two_at_once_add_no_fifty_first_rule(app: AppHarness) -> None:
    results = await asyncio.gather(
        *(add(app, prefix=f"+1{200 + number}") for number in range(MAX_RULES + 2)),
        return_exceptions=True,
    )

    failed = [result for result in results if isinstance(result, TooManyRules)]
    assert (len(failed), len(await rules_of(app).list(BY_COMMAND))) == (2, MAX_RULES)
    assert rules_of(app).count() == {"block": MAX_RULES, "lower": 0, "raise": 0}


async def test_only_an_active_rule_can_be_ended(app: AppHarness, rules: RulesFeature) -> None:
    rule = await add(app, country="US")
    await rules.end(BY_COMMAND, rule.id, REASON)

    for rule_id in (rule.id, an_id(9)):
        with pytest.raises(RuleNotFound):
            await rules.end(BY_COMMAND, rule_id, REASON)


async def test_a_rule_is_checked_again_when_it_is_added(app: AppHarness) -> None:
    order = parse_order(OrderText(kind="block", country="US"), rules_of(app).settings)
    for ends_at in (app.clock.now(), app.clock.now() + timedelta(days=31)):
        with pytest.raises(InvalidValue):
            await rules_of(app).add(BY_COMMAND, order, ends_at, REASON)
    raised = replace(order, kind=RuleKind.RAISE, limit="all_total", value=10**8)
    with pytest.raises(ConflictingValue):
        await rules_of(app).add(BY_COMMAND, raised, app.clock.now() + HOUR, REASON)


@pytest.mark.parametrize("act", RULE_ACTS, ids=lambda act: act.name)
async def test_an_act_on_rules_is_for_those_of_the_table(app: AppHarness, act: Any) -> None:
    rules = rules_of(app)
    order = parse_order(OrderText(kind="block", country="US"), rules.settings)
    calls: dict[Any, Callable[..., Any]] = {
        ADD_RULE: lambda caller, why: rules.add(caller, order, app.clock.now() + HOUR, why),
        END_RULE: lambda caller, why: rules.end(caller, an_id(9), why),
    }

    await assert_refused(act, calls[act])


async def test_a_token_that_reads_or_writes_rules_lists_them(rules: RulesFeature) -> None:
    for scope in (Scope.READ_RULES, Scope.WRITE_RULES):
        assert await rules.list(a_token(scope)) == []
    with pytest.raises(InsufficientScope):
        await rules.list(a_token(Scope.READ_USERS))


async def test_the_cleanup_deletes_rules_that_have_ended(app: AppHarness) -> None:
    await app.operations.cleanup()
    await add(app, country="US")
    await add(app, country="GB", duration=2 * HOUR)
    app.advance(hours=1)

    report = await app.operations.cleanup()
    assert report["ended_rules"] == 1
    assert len(rules_of(app).known.known.rules) == 2
    await rules_of(app).known.read()
    assert len(rules_of(app).known.known.rules) == 1


# What each process knows


async def test_a_rule_of_another_process_acts_after_the_next_read(app: AppHarness) -> None:
    other = AppHarness(database=app.database, clock=app.clock)
    rule = await add(other, country="US")
    assert (await app.request_otp()).sent

    await rules_of(app).known.read()
    with pytest.raises(CountryNotServed):
        await app.request_otp(a_phone(2))
    await rules_of(other).end(BY_COMMAND, rule.id, REASON)
    await rules_of(app).known.read()
    assert (await app.request_otp(a_phone(2), NEXT_IP)).sent


async def test_without_the_database_the_last_rules_hold_until_their_end(
    app: AppHarness, caplog: pytest.LogCaptureFixture
) -> None:
    rules = rules_of(app)
    rule = await add(app, country="US")
    app.advance(minutes=1)
    for seconds in (0, 5, 60):
        app.advance(seconds=seconds)
        app.database.is_unavailable = True
        try:
            await rules.known.read()
        except StorageUnavailable as error:
            rules.known.warn("rules_not_read", error)
        app.database.is_unavailable = False
        with pytest.raises(CountryNotServed):
            await app.request_otp()
    assert [record.message.count("rules_not_read") for record in caplog.records] == [1, 1]
    assert rules.age() == timedelta(minutes=2, seconds=5)
    app.clock.advance(rule.ends_at - app.clock.now())
    assert (await app.request_otp()).sent


async def test_a_read_that_began_before_another_does_not_replace_it(app: AppHarness) -> None:
    known = rules_of(app).known
    app.faults.run_before("rules.load", lambda: add(app, country="US"))
    await known.read()

    assert len(known.known.rules) == 1
