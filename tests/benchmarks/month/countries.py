"""The countries of the simulated service: its customers, prices and hours."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from domain.otp.delivery import Channel
from domain.phone import PhoneNumber

FIRST_SMS: Final = "acme"
SECOND_SMS: Final = "bolt"
WHATSAPP: Final = "meta"
CHANNEL_OF: Final = {
    FIRST_SMS: Channel.SMS,
    SECOND_SMS: Channel.SMS,
    WHATSAPP: Channel.WHATSAPP,
}
RANGES: Final = 300
"""Number ranges of the customers of a country: each has 10,000 numbers."""
HOURS: Final = (
    0.25, 0.15, 0.1, 0.1, 0.1, 0.2, 0.5, 0.9, 1.2, 1.3, 1.3, 1.3,
    1.4, 1.4, 1.3, 1.3, 1.4, 1.6, 1.8, 2.0, 2.0, 1.6, 1.0, 0.5,
)  # fmt: skip
"""How busy an hour is in local time, from midnight; 1 is about the mean of a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """A country, as the simulation imitates it. Nothing of it is measured.

    Attributes:
        code: ISO 3166-1.
        dollars_a_day: The budget.
        share: The share of all customers who live there.
        utc_offset: Hours.
        entered: The share of people who enter a code that arrives.
        has_whatsapp: The share of phones that WhatsApp reaches.
        sends_whatsapp: Whether codes go by WhatsApp first, and by SMS where it does not reach.
        prices: US dollars in millionths, by provider.
        prefix: The beginning of all numbers.
        range_digits: How many digits follow, before the last four.
    """

    code: str
    dollars_a_day: int
    share: float
    utc_offset: int
    entered: float
    has_whatsapp: float
    sends_whatsapp: bool
    prices: Mapping[str, int]
    prefix: str
    range_digits: int

    def phone(self, number: int, *, is_attacked: bool = False, ranges: int = RANGES) -> PhoneNumber:
        """Return a different phone for each number, spread over so many number ranges."""
        first = RANGES if is_attacked else 0
        number_range = 10 ** (self.range_digits - 1) * 2 + first + number % ranges
        return PhoneNumber(f"{self.prefix}{number_range}{number // ranges % 10_000:04d}")

    def busyness(self, utc_hour: int) -> float:
        """Return how busy an hour is, compared with the mean of all hours."""
        mean = sum(HOURS) / len(HOURS)
        return HOURS[(utc_hour + self.utc_offset) % 24] / mean


COUNTRIES: Final = (
    Country(
        code="IN",
        dollars_a_day=800,
        share=0.40,
        utc_offset=5,
        entered=0.86,
        has_whatsapp=0.95,
        sends_whatsapp=False,
        prices={FIRST_SMS: 83_000, SECOND_SMS: 91_000, WHATSAPP: 12_000},
        prefix="+9198",
        range_digits=4,
    ),
    Country(
        code="BR",
        dollars_a_day=200,
        share=0.25,
        utc_offset=-3,
        entered=0.88,
        has_whatsapp=0.97,
        sends_whatsapp=True,
        prices={FIRST_SMS: 46_000, SECOND_SMS: 52_000, WHATSAPP: 31_000},
        prefix="+55119",
        range_digits=4,
    ),
    Country(
        code="US",
        dollars_a_day=80,
        share=0.20,
        utc_offset=-5,
        entered=0.93,
        has_whatsapp=0.30,
        sends_whatsapp=False,
        prices={FIRST_SMS: 8_300, SECOND_SMS: 9_000, WHATSAPP: 14_000},
        prefix="+1415",
        range_digits=3,
    ),
    Country(
        code="DE",
        dollars_a_day=250,
        share=0.08,
        utc_offset=1,
        entered=0.94,
        has_whatsapp=0.85,
        sends_whatsapp=False,
        prices={FIRST_SMS: 110_000, SECOND_SMS: 120_000, WHATSAPP: 55_000},
        prefix="+49151",
        range_digits=4,
    ),
    Country(
        code="ID",
        dollars_a_day=150,
        share=0.07,
        utc_offset=7,
        entered=0.80,
        has_whatsapp=0.90,
        sends_whatsapp=True,
        prices={FIRST_SMS: 320_000, SECOND_SMS: 340_000, WHATSAPP: 30_000},
        prefix="+62812",
        range_digits=4,
    ),
)
BY_CODE: Final = {country.code: country for country in COUNTRIES}


def reaches_whatsapp(phone: PhoneNumber) -> bool:
    """Return whether WhatsApp reaches a phone: always the same of each."""
    return Random(phone.e164).random() < BY_CODE[phone.country].has_whatsapp
