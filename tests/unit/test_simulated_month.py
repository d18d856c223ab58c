"""What the simulated month counts. `make bench ARGS=month` simulates all of it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from domain.otp.delivery import Channel
from tests.benchmarks.month.attackers import ATTACKERS
from tests.benchmarks.month.countries import COUNTRIES, FIRST_SMS, SECOND_SMS
from tests.benchmarks.month.figures import (
    HOUR,
    count_rejections,
    max_in_window,
    measure_attack,
    measure_incident,
    measure_parts,
)
from tests.benchmarks.month.ledger import HONEST, Client, Ending, Ledger, Sent, SignIn
from tests.benchmarks.month.page import make_report, render
from tests.benchmarks.month.providers import INCIDENTS, Fault, Incident
from tests.benchmarks.month.run import MONTH, MonthPlan, simulate_at_once
from tests.support.builders import a_phone

SILENT = Incident(provider=FIRST_SMS, fault=Fault.SILENT, day=2, hour=12, hours=2)
BEGIN = SILENT.begin(MONTH)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def a_sent(at: datetime = BEGIN, **changes: object) -> Sent:
    sent = Sent(
        at=at,
        phone=a_phone(),
        country="US",
        channel=Channel.SMS,
        provider=FIRST_SMS,
        price=1_000_000,
        code="012345",
        arrives_at=at,
        by=HONEST,
        client=Client.UNPROVEN,
    )
    return replace(sent, **changes)  # type: ignore[arg-type]


def a_sign_in(ending: Ending, client: Client = Client.PROVEN) -> SignIn:
    return SignIn(begun_at=BEGIN, country="US", client=client, ending=ending)


def test_what_counts_at_once_is_counted_until_it_ends() -> None:
    entries = [
        (BEGIN, None, 2),
        (BEGIN + minutes(30), BEGIN + minutes(40), 3),
        (BEGIN + minutes(50), None, 1),
        (BEGIN + HOUR, None, 2),
    ]
    assert max_in_window(entries, HOUR) == 5
    assert max_in_window([*entries[:1], *entries[2:]], HOUR) == 3
    assert max_in_window([], HOUR) == 0


def test_a_message_counts_in_its_part_and_country_until_its_code_is_entered() -> None:
    strangers = {"unverified": "strangers", "all": "strangers"}
    sent = [
        a_sent(parts=strangers, released_at=BEGIN + minutes(1)),
        a_sent(BEGIN + minutes(2), parts=strangers),
        a_sent(BEGIN + minutes(2), parts=strangers, country="DE"),
        a_sent(BEGIN + minutes(3), parts={"unverified": "recognized", "all": "recognized"}),
    ]
    most = {part.name: part.most for part in measure_parts([Ledger(sent=sent)])}
    assert most["unverified messages, strangers"] == 1
    assert most["unverified messages, recognized"] == 1
    assert most["unverified messages, reserve"] == 0
    assert most["all messages, strangers"] == 2


def test_rejected_sign_ins_are_a_share_of_those_of_their_group() -> None:
    rejections = count_rejections(
        [
            a_sign_in(Ending.ENTERED),
            a_sign_in(Ending.REJECTED),
            a_sign_in(Ending.LOST, Client.RECOGNIZED),
        ]
    )
    assert [rejections.share(client) for client in Client] == [0, 0.5, 0]


def test_a_provider_is_left_when_four_of_five_messages_go_elsewhere() -> None:
    recognized = Client.RECOGNIZED
    first = [
        a_sent(BEGIN + minutes(number), arrives_at=None, client=recognized) for number in range(7)
    ]
    others = [
        a_sent(BEGIN + minutes(7 + number), provider=SECOND_SMS if number != 2 else FIRST_SMS)
        for number in range(10)
    ]
    end = SILENT.end(MONTH)
    after = [a_sent(end + minutes(number), provider=SECOND_SMS) for number in range(30)]
    back = [a_sent(end + minutes(30 + number)) for number in range(10)]
    sent = [*first, *others, *after, *back]
    figures = measure_incident(SILENT, "US", Ledger(sent=sent), MONTH)
    assert (figures.minutes, figures.messages, figures.lost) == (7, 7, 7)
    assert figures.back_after == 0.5
    assert figures.is_in_time


def test_a_provider_that_is_never_left_is_said_to_be() -> None:
    sent = [
        a_sent(BEGIN + timedelta(seconds=number), arrives_at=None, client=Client.RECOGNIZED)
        for number in range(600)
    ]
    figures = measure_incident(SILENT, "US", Ledger(sent=sent), MONTH)
    assert (figures.minutes, figures.lost, figures.back_after) == (None, 600, None)
    assert figures.is_busy
    assert not figures.is_in_time
    assert not measure_incident(SILENT, "DE", Ledger(sent=sent), MONTH).is_busy


def test_an_attack_costs_what_the_other_month_does_not() -> None:
    attacker = ATTACKERS[0]
    begin = attacker.begin(MONTH)
    honest, own = a_sent(begin), a_sent(begin + minutes(1), by=attacker.name)
    attacked = Ledger(sent=[honest, own], alerts=[(begin, "LimitUsed"), (begin, "CostsHigh")])
    attacked.requests[attacker.name, "taken"] = 1
    attacked.requests[attacker.name, "TooManyOtpRequests"] = 4
    attacked.requests[attacker.name, "proofs"] = 2
    quiet = Ledger(sent=[honest], alerts=[(begin, "CostsHigh")])
    figures = measure_attack(attacker, attacked, quiet, MONTH)
    assert (figures.requests, figures.proofs, figures.messages) == (5, 2, 1)
    assert (figures.dollars, figures.more_dollars) == (1, 1)
    assert figures.alerts == {"LimitUsed": 1}


def test_nobody_attacks_while_a_provider_is_degraded() -> None:
    days = [one.day for one in (*ATTACKERS, *INCIDENTS)]
    assert len(set(days)) == len(days)
    assert max(days) < 30
    assert sum(country.share for country in COUNTRIES) == pytest.approx(1)


def test_a_month_with_the_same_seed_is_the_same() -> None:
    plan = MonthPlan(seed="a test", days=0, sign_ins_an_hour=10, regulars=30)
    first, second = [simulate_at_once(plan) for _ in range(2)]
    assert first.sign_ins == second.sign_ins
    assert first.sent == second.sent
    assert {sign_in.ending for sign_in in first.sign_ins} >= {Ending.ENTERED}
    other = simulate_at_once(replace(plan, seed="another"))
    assert other.sign_ins != first.sign_ins
    page = render(make_report(first, second, MONTH), plan.seed)
    assert "30 sign-ins of customers" in page
    assert "**no**" not in page
