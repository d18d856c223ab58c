"""What a month shows, computed from its messages and sign-ins alone."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.budgets.budgets import BUDGET
from domain.otp.permits import ALL, UNVERIFIED
from domain.otp.rate_limits import ATTESTED, RECOGNIZED, RESERVE, STRANGERS
from tests.benchmarks.attack_sizes import (
    ALL_WITH_ATTESTATION,
    UNVERIFIED_WITH_ATTESTATION,
)
from tests.benchmarks.month.attackers import Attacker
from tests.benchmarks.month.countries import COUNTRIES
from tests.benchmarks.month.ledger import HONEST, Client, Ending, Ledger, Sent, SignIn
from tests.benchmarks.month.providers import Incident
from tests.benchmarks.month.service import BUDGETS

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
MAX_REJECTED: Final = 0.001
"""The aim for recognized and proven customers."""
MAX_MINUTES: Final = 10
"""The aim for a degraded provider."""
LEFT: Final = 5
"""A provider is left in a country when of so many messages in a row at most one goes to it."""
MIN_MESSAGES: Final = 50
"""The aim is about countries with so many messages to recognized customers in its minutes: fewer
show later that codes are not entered."""
MILLION: Final = 1_000_000
PARTS: Final = (STRANGERS, ATTESTED, RECOGNIZED, RESERVE)
Counted = tuple[datetime, datetime | None, int]
"""When something begins to count, when it ends early (None if it does not), and its amount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejections:
    """How many sign-ins of customers there were in a period, and how many were rejected."""

    sign_ins: Mapping[Client, int]
    rejected: Mapping[Client, int]

    def share(self, client: Client) -> float:
        """Return the share of a group that was rejected."""
        return self.rejected[client] / max(1, self.sign_ins[client])


def count_rejections(sign_ins: Iterable[SignIn]) -> Rejections:
    """Count them by group."""
    all_, rejected = Counter[Client](), Counter[Client]()
    for sign_in in sign_ins:
        all_[sign_in.client] += 1
        rejected[sign_in.client] += sign_in.ending is Ending.REJECTED
    return Rejections(sign_ins=all_, rejected=rejected)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackFigures:
    """What an attacker reached until noon of the next day.

    Attributes:
        requests: How many requests it sent.
        proofs: How many proofs it sent.
        messages: How many messages and calls it caused.
        dollars: What they cost.
        most_an_hour: The most of these messages in any hour.
        more_dollars: What all messages of the period cost more than without attackers.
        rejections: Those of customers.
        without: Those of the same period of the month without attackers.
        alerts: The events without a phone that the other month does not have, by their names.
    """

    attacker: Attacker
    requests: int
    proofs: int
    messages: int
    dollars: float
    most_an_hour: int
    more_dollars: float
    rejections: Rejections
    without: Rejections
    alerts: Mapping[str, int]


def measure_attack(
    attacker: Attacker, attacked: Ledger, quiet: Ledger, month: datetime
) -> AttackFigures:
    """Return what an attacker reached."""
    begin = attacker.begin(month)
    end = begin + DAY
    own = [message for message in attacked.sent if message.by == attacker.name]
    requests = {key: count for (by, key), count in attacked.requests.items() if by == attacker.name}
    proofs = requests.pop("proofs", 0)
    alerts = _count_alerts(attacked, begin, end) - _count_alerts(quiet, begin, end)
    more = _dollars(attacked.sent_between(begin, end)) - _dollars(quiet.sent_between(begin, end))
    return AttackFigures(
        attacker=attacker,
        requests=sum(requests.values()),
        proofs=proofs,
        messages=len(own),
        dollars=_dollars(own),
        most_an_hour=max_in_window(((message.at, None, 1) for message in own), HOUR),
        more_dollars=more,
        rejections=count_rejections(attacked.sign_ins_between(begin, end)),
        without=count_rejections(quiet.sign_ins_between(begin, end)),
        alerts=alerts,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFigures:
    """How a degraded provider was left in a country.

    Attributes:
        minutes: After how many minutes it was left; None if it was not.
        expected: How many messages to recognized customers the country has in the minutes of the
            aim: those of the first hour, evenly.
        messages: How many messages the country had until then, or until it worked again.
        lost: How many of them did not arrive in time.
        back_after: Hours after its end until it was used again; None if it was not within a day.
    """

    incident: Incident
    country: str
    minutes: float | None
    expected: float
    messages: int
    lost: int
    back_after: float | None

    @property
    def is_busy(self) -> bool:
        """Whether the aim is about it: there are enough messages."""
        return self.expected >= MIN_MESSAGES

    @property
    def is_in_time(self) -> bool:
        """Whether it was left within the aim."""
        return self.minutes is not None and self.minutes <= MAX_MINUTES


def measure_incident(
    incident: Incident, country: str, quiet: Ledger, month: datetime
) -> IncidentFigures:
    """Return how a provider was left in a country, in the month without attackers."""
    begin, end = incident.begin(month), incident.end(month)
    messages = [
        message
        for message in quiet.sent_between(begin - DAY, end + DAY)
        if message.country == country and message.channel in incident.channels
    ]
    during = [message for message in messages if begin <= message.at < end]
    first_hour = [message for message in during if message.at < begin + HOUR]
    left_at = _find_change(during, lambda message: message.provider != incident.provider)
    before = [message for message in during if left_at is None or message.at < left_at]
    after = [message for message in messages if message.at >= end]
    back_at = _find_change(after, lambda message: message.provider == incident.provider)
    if left_at is not None and all(one.provider != incident.provider for one in before):
        left_at = begin  # it took no message at all
    return IncidentFigures(
        incident=incident,
        country=country,
        minutes=None if left_at is None else (left_at - begin) / timedelta(minutes=1),
        expected=sum(message.client is Client.RECOGNIZED for message in first_hour)
        * MAX_MINUTES
        / 60,
        messages=len(before),
        lost=sum(_is_late(message) for message in before),
        back_after=None if back_at is None else max(0.0, (back_at - end) / HOUR),
    )


def _is_late(message: Sent) -> bool:
    return message.arrives_at is None or message.arrives_at - message.at > timedelta(minutes=5)


def _find_change(messages: Sequence[Sent], is_changed: Callable[[Sent], bool]) -> datetime | None:
    """Return when a row of messages begins of which at most one is not changed."""
    for number in range(len(messages) - LEFT + 1):
        row = messages[number : number + LEFT]
        if is_changed(row[0]) and sum(map(is_changed, row)) >= LEFT - 1:
            return row[0].at
    return None


@dataclass(frozen=True, slots=True)
class PartFigures:
    """The most that counted at once in a part, and what the part has.

    `tolerance` is how much more is no failure: an SMS that follows a message by WhatsApp is not
    stopped, and counts.
    """

    name: str
    most: float
    size: float
    tolerance: float = 0

    @property
    def is_exceeded(self) -> bool:
        """Whether more counted at once than the part has."""
        return self.most > self.size + self.tolerance


def measure_parts(ledgers: Collection[Ledger]) -> Sequence[PartFigures]:
    """Return the fullest hour of each part in any country, from the messages alone."""
    return [
        PartFigures(
            f"{group} messages, {part}",
            max(_fullest_hour(ledger.sent, group, part) for ledger in ledgers),
            getattr(sizes, part).size,
        )
        for group, sizes in ((UNVERIFIED, UNVERIFIED_WITH_ATTESTATION), (ALL, ALL_WITH_ATTESTATION))
        for part in PARTS
    ]


def measure_budgets(ledgers: Collection[Ledger]) -> Sequence[PartFigures]:
    """Return the most dollars that counted at once of each budget, from the messages alone."""
    figures = []
    highest = max(price for country in COUNTRIES for price in country.prices.values())
    for budget in BUDGETS.budgets:
        name = f"US$ of {budget.country or 'all countries'}"
        strangers, windows = budget.strangers or 0, []
        windows.append((f"{name} in a day, strangers", strangers, DAY, STRANGERS))
        windows.append((f"{name} in an hour, strangers", strangers // 6, HOUR, STRANGERS))
        if budget.hard_end is not None:
            windows.append((f"{name} in a day, everybody", budget.hard_end, DAY, ""))
        for title, size, period, part in windows:
            most = max(_most_spent(one.sent, budget.country, part, period) for one in ledgers)
            figures.append(PartFigures(title, most / MILLION, size / MILLION, highest / MILLION))
    return figures


def _most_spent(sent: Iterable[Sent], country: str, part: str, period: timedelta) -> int:
    """Return the most millionths that counted at once. An empty country or part is all of them."""
    entries = [
        (message.at, None, message.price)
        for message in sent
        if country in ("", message.country) and part in ("", message.parts.get(BUDGET))
    ]
    return max_in_window(entries, period)


def _fullest_hour(sent: Iterable[Sent], group: str, part: str) -> int:
    """Return the most messages of a part that counted at once in a country.

    A message counts for an hour, in the group of unverified ones until its code is entered.
    """
    by_country: dict[str, list[Counted]] = {}
    for message in sent:
        if message.parts.get(group) == part:
            until = message.released_at if group == UNVERIFIED else None
            by_country.setdefault(message.country, []).append((message.at, until, 1))
    return max((max_in_window(entries, HOUR) for entries in by_country.values()), default=0)


def max_in_window(entries: Iterable[Counted], period: timedelta) -> int:
    """Return the highest sum of amounts that count at once.

    Args:
        entries: What counts.
        period: How long each counts at most.
    """
    changes = []
    for begin, until, amount in entries:
        end = begin + period if until is None else min(until, begin + period)
        changes += [(begin, amount), (end, -amount)]
    highest = current = 0
    # At the same time, what ends no longer counts for what begins.
    for _, amount in sorted(changes):
        current += amount
        highest = max(highest, current)
    return highest


def _count_alerts(ledger: Ledger, begin: datetime, end: datetime) -> Counter[str]:
    return Counter(name for time, name in ledger.alerts if begin <= time < end)


def _dollars(messages: Iterable[Sent]) -> float:
    return sum(message.price for message in messages) / MILLION


def count_honest(ledger: Ledger) -> int:
    """Return how many messages customers caused."""
    return sum(message.by == HONEST for message in ledger.sent)
