"""A flood of strangers against a budget: what it costs, and who is served meanwhile."""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from adapters.records.features.attestation import make_attestation_repositories
from application.attestation.feature import AttestationFeature
from domain.attestation.errors import AttestationRequired
from domain.budgets.budgets import Budget
from domain.errors import TooManyOtpRequests
from tests.support.fakes.attestation import FakeAttestation, solve
from tests.unit.application.budgets.budget_harness import (
    PRICE,
    BudgetHarness,
    a_phone_of,
    network_of,
    open_budgets,
)

BUDGET = 200 * PRICE
"""Strangers have 120 messages of it in a day, and 20 in an hour."""


def with_proofs(app: BudgetHarness) -> BudgetHarness:
    used = app._make(make_attestation_repositories).used_attestations
    AttestationFeature(app.use_cases, used, FakeAttestation())
    return app


async def request_with_proof(app: BudgetHarness, number: int) -> None:
    """Request a code as an app that can make proofs, and has to."""
    phone, client_ip = a_phone_of(number), network_of(number)
    with pytest.raises(AttestationRequired) as required:
        await app.request_otp(phone, client_ip, accepts_attestation=True)
    proof = solve(required.value)
    await app.request_otp(phone, client_ip, accepts_attestation=True, proof=proof)


async def test_above_the_part_of_strangers_a_proof_is_asked_for() -> None:
    app = with_proofs(open_budgets(Budget("", 10 * PRICE, 20 * PRICE), has_attested_part=True))
    assert await app.request_many(2) == ["budget_hour_total"], "an app without proofs waits"

    for number in range(30, 49):
        await request_with_proof(app, number)

    assert await app.used() == {"": 20 * PRICE}
    with pytest.raises(TooManyOtpRequests):
        await app.request_otp(a_phone_of(90), network_of(90), accepts_attestation=True)
    [use] = await app.budgets.watch.measure() if app.budgets.watch else []
    assert use.used_by_strangers == PRICE


async def test_below_it_nobody_is_asked_for_a_proof() -> None:
    app = with_proofs(open_budgets(Budget("", 100 * PRICE, None), has_attested_part=True))

    await app.request_otp(a_phone_of(1), network_of(1), accepts_attestation=True)

    assert await app.used() == {"": PRICE}


async def test_a_flood_of_a_day_costs_the_part_of_strangers_and_stops_no_customer() -> None:
    app = open_budgets(Budget("US", BUDGET, None))
    for number in range(4):  # customers, who log in before the flood
        await app.request_one(number)
        await app.verify_otp(app.last_code, a_phone_of(number), client_ip=network_of(number))
    app.advance(hours=25)
    sent: Counter[datetime] = Counter()
    begin, rejected_customers = app.clock.now(), 0

    for minute in range(0, 24 * 60, 20):
        for number in range(10):  # half an hour's part in each of 72 steps
            before = len(app.messenger.messages)
            await app.request_one(100 + minute * 10 + number)
            sent[app.clock.now()] += len(app.messenger.messages) - before
        if minute % 360 == 0:
            rejected_customers += len(await app.request_many(4))
        app.advance(minutes=20)

    assert rejected_customers == 0
    # What the clock has counted, in any stretch of a day or an hour.
    assert 100 < sum(sent.values()) <= 120
    for start in sent:
        hour = sum(
            count for at, count in sent.items() if timedelta(0) <= at - start < timedelta(hours=1)
        )
        assert hour <= 20
    assert app.clock.now() - begin == timedelta(days=1)


async def test_the_part_of_strangers_is_there_again_a_day_later() -> None:
    app = open_budgets(Budget("US", 5 * PRICE, None))
    for hour in range(3):
        assert await app.request_one(hour) == []
        app.advance(hours=1, minutes=2)

    with pytest.raises(TooManyOtpRequests) as rejected:
        await app.request_otp(a_phone_of(9), network_of(9))

    assert timedelta(hours=20) < timedelta(seconds=rejected.value.retry_after) < timedelta(hours=22)
    app.advance(rejected.value.retry_after - 1)
    assert await app.request_one(9) == ["budget_per_country"]
    app.advance(1)
    assert await app.request_one(9) == []
