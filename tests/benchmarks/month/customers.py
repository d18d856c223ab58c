"""Honest traffic: people who sign in by hour and country, as they do with and without attackers.

Who signs in, when, where, and how they behave is decided before anything happens, so it is the same
in both months.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Final

from domain.identities.device_token import DeviceToken
from domain.otp.delivery import Channel
from domain.phone import PhoneNumber
from tests.benchmarks.month.countries import COUNTRIES, Country
from tests.benchmarks.month.ledger import Client, Ending, Sent, SignIn
from tests.benchmarks.month.providers import INCIDENTS
from tests.benchmarks.month.schedule import Schedule
from tests.benchmarks.month.service import MonthService
from tests.support.core_harness import wrong_code

REGULARS: Final = 4_000
"""Customers who registered in the days before the month."""
DAYS_BEFORE: Final = 2
RETURNING: Final = 0.6
"""The share of sign-ins of customers who signed in before."""
OF_REGULARS: Final = 0.7
"""So many of these are by regulars, the others by customers of this month."""
ELSEWHERE: Final = 0.12
"""The share of returning customers with a new phone, or in a browser elsewhere."""
WITH_APP: Final = 0.8
"""Customers with the app, which keeps a device token. The others use a browser at home."""
CAN_PROVE: Final = 0.75
"""Customers whose app sends a proof where one is asked for."""
MISTYPED: Final = 0.06
NETWORKS: Final = 400
"""Networks of a country. Some have many more customers than others."""
PATIENCE: Final = (50, 100)
"""Seconds that people wait for a code before they request it again."""
SECONDS_TO_TYPE: Final = (6, 40)
SECONDS_TO_CORRECT: Final = 12
MAX_REQUESTS: Final = 3
QUIET_DAYS: Final = 4
"""The first days have fewer customers: nothing happens on them."""
QUIET_SHARE: Final = 0.4
BUSY_SHARE: Final = 24
"""While a provider is degraded, and an hour longer: otherwise there are too few messages to show it
within minutes."""
HOUR: Final = timedelta(hours=1)


@dataclass(slots=True, eq=False)
class Customer:
    """A person with a phone."""

    phone: PhoneNumber
    country: Country
    home_ip: str
    has_app: bool
    can_prove: bool
    token: DeviceToken | None = None
    is_home_known: bool = False


@dataclass(slots=True, eq=False)
class Attempt:
    """A sign-in of a customer, which is going on."""

    customer: Customer
    random: Random
    begun_at: datetime
    client_ip: str
    is_elsewhere: bool
    client: Client = Client.UNPROVEN
    requests: int = 0
    rejected_by: str = ""
    request_ids: dict[int, str] = field(default_factory=dict)


class Customers:
    """All customers of the service."""

    def __init__(self, service: MonthService, schedule: Schedule, seed: str, codes: int) -> None:
        """Set how many sign-ins an hour has on average."""
        self._service, self._schedule, self._seed, self._codes = service, schedule, seed, codes
        self._numbers = dict.fromkeys((country.code for country in COUNTRIES), 0)
        self._regulars: dict[str, list[Customer]] = {one.code: [] for one in COUNTRIES}
        self._others: dict[str, list[Customer]] = {one.code: [] for one in COUNTRIES}

    def register_regulars(self, regulars: int, month: datetime) -> None:
        """Let the regulars register in the days before the month."""
        random = Random(f"{self._seed} regulars")
        begin = month - timedelta(days=DAYS_BEFORE)
        for number in range(regulars):
            country = random.choices(COUNTRIES, [one.share for one in COUNTRIES])[0]
            customer = self._make_customer(country, random)
            self._regulars[country.code].append(customer)
            time = begin + timedelta(days=DAYS_BEFORE) * number / regulars
            self._begin(customer, time.replace(microsecond=0), random.random(), is_elsewhere=False)

    def plan_hour(self, hour: datetime, month: datetime) -> None:
        """Decide who signs in within an hour."""
        volume = QUIET_SHARE if hour < month + timedelta(days=QUIET_DAYS) else 1.0
        if any(one.begin(month) <= hour < one.end(month) + HOUR for one in INCIDENTS):
            volume = BUSY_SHARE
        for country in COUNTRIES:
            random = Random(f"{self._seed} {country.code} {hour.isoformat()}")
            mean = self._codes * country.share * country.busyness(hour.hour)
            for _ in range(_poisson(mean * volume, random)):
                time = hour + timedelta(seconds=random.randrange(3600))
                customer, is_elsewhere = self._choose_customer(country, random)
                self._begin(customer, time, random.random(), is_elsewhere=is_elsewhere)

    def _choose_customer(self, country: Country, random: Random) -> tuple[Customer, bool]:
        regulars, others = self._regulars[country.code], self._others[country.code]
        if random.random() >= RETURNING:
            customer = self._make_customer(country, random)
            others.append(customer)
            return customer, False
        known = regulars if not others or random.random() < OF_REGULARS else others
        return random.choice(known), random.random() < ELSEWHERE

    def _make_customer(self, country: Country, random: Random) -> Customer:
        number = self._numbers[country.code]
        self._numbers[country.code] += 1
        return Customer(
            phone=country.phone(number),
            country=country,
            home_ip=client_ip(country, random),
            has_app=random.random() < WITH_APP,
            can_prove=random.random() < CAN_PROVE,
        )

    def _begin(
        self, customer: Customer, time: datetime, luck: float, *, is_elsewhere: bool
    ) -> None:
        random = Random(f"{self._seed} {luck}")
        is_home = not (customer.has_app or is_elsewhere)
        ip = customer.home_ip if is_home else client_ip(customer.country, random)
        attempt = Attempt(customer, random, time, ip, is_elsewhere)
        self._schedule.add(time, partial(self._request, attempt))

    async def _request(self, attempt: Attempt) -> None:
        customer, service = attempt.customer, self._service
        token = None if attempt.is_elsewhere else customer.token
        if not attempt.requests:
            attempt.client = _classify(attempt, token)
        attempt.requests += 1
        requested = await service.request(
            customer.phone,
            attempt.client_ip,
            attempt.client,
            device_token=token,
            sends_proof=customer.can_prove,
            # Apps offer another way to those who wait in vain.
            channel=Channel.SMS if attempt.requests == MAX_REQUESTS else None,
        )
        if requested.reason:
            attempt.rejected_by = attempt.rejected_by or requested.reason
            self._end(attempt, Ending.REJECTED)
            return
        patience = timedelta(seconds=round(attempt.random.uniform(*PATIENCE)))
        sent = requested.sent
        if sent is not None and sent.arrives_at is not None:
            is_in_time = sent.arrives_at - service.now <= patience
            if is_in_time:
                assert requested.result is not None
                self._read(attempt, sent, requested.result.request_id)
                return
        if attempt.requests == MAX_REQUESTS:
            ending = Ending.REJECTED if attempt.rejected_by else Ending.LOST
            self._end(attempt, ending)
            return
        self._schedule.add(service.now + patience, partial(self._request, attempt))

    def _read(self, attempt: Attempt, sent: Sent, request_id: str) -> None:
        """Let a person type a code that arrives, or leave."""
        random = attempt.random
        if random.random() >= attempt.customer.country.entered:
            self._end(attempt, Ending.NOT_ENTERED)
            return
        assert sent.arrives_at is not None
        typed_at = sent.arrives_at + timedelta(seconds=round(random.uniform(*SECONDS_TO_TYPE)))
        is_mistyped = random.random() < MISTYPED
        enter = partial(self._enter, attempt, sent, request_id, is_mistyped=is_mistyped)
        self._schedule.add(typed_at, enter)

    async def _enter(
        self, attempt: Attempt, sent: Sent, request_id: str, *, is_mistyped: bool
    ) -> None:
        customer, service = attempt.customer, self._service
        token = None if attempt.is_elsewhere else customer.token
        code = wrong_code(sent.code) if is_mistyped else ""
        logged_in = await service.enter(sent, attempt.client_ip, request_id, token, code=code)
        if is_mistyped:
            later = partial(self._enter, attempt, sent, request_id, is_mistyped=False)
            self._schedule.add(service.now + timedelta(seconds=SECONDS_TO_CORRECT), later)
            return
        if logged_in is None:
            self._end(attempt, Ending.FAILED)
            return
        if customer.has_app:
            customer.token = logged_in.device_token or customer.token
        elif not attempt.is_elsewhere:
            customer.is_home_known = True
        self._end(attempt, Ending.ENTERED)

    def _end(self, attempt: Attempt, ending: Ending) -> None:
        self._service.ledger.sign_ins.append(
            SignIn(
                begun_at=attempt.begun_at,
                country=attempt.customer.country.code,
                client=attempt.client,
                ending=ending,
                reason=attempt.rejected_by,
            )
        )


def client_ip(country: Country, random: Random) -> str:
    """Return an IP of a customer: in some networks there are many."""
    network = int(NETWORKS * random.random() ** 2)
    first = 20 + COUNTRIES.index(country)
    return f"{first}.{network // 256}.{network % 256}.{random.randrange(1, 255)}"


def _classify(attempt: Attempt, token: DeviceToken | None) -> Client:
    customer = attempt.customer
    is_home = not (customer.has_app or attempt.is_elsewhere)
    if token is not None or (is_home and customer.is_home_known):
        return Client.RECOGNIZED
    return Client.PROVEN if customer.can_prove else Client.UNPROVEN


def _poisson(mean: float, random: Random) -> int:
    """Return a number of events (Knuth's method)."""
    limit, product, number = math.exp(-mean), random.random(), 0
    while product > limit:
        product *= random.random()
        number += 1
    return number
