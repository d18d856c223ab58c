"""The limits that hold now: those of the settings, and what rules of operators make of them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from domain.otp.rate_limits import RateLimit, RateLimits, Reservation, Ruling
from domain.phone import PhoneNumber


class LimitRules(Protocol):
    """What rules of operators say of limits and phones. A rule that has ended says nothing."""

    @property
    def has_rules(self) -> bool:
        """Whether there is any rule. Without one, nothing else is called."""
        ...

    def change(
        self, settings: RateLimits, country: str, phone: PhoneNumber | None, now: datetime
    ) -> RateLimits:
        """Return the limits for a phone, for a country if that is None, or in total.

        Args:
            settings: The limits without rules.
            country: The country; empty in total.
            phone: The phone.
            now: The time.
        """
        ...

    def find_denial(self, phone: PhoneNumber, now: datetime) -> str:
        """Return what blocks a phone, in the place of a limit's name; empty if nothing does."""
        ...

    def explain_denial(self, phone: PhoneNumber, now: datetime) -> str:
        """Return the same in words for operators."""
        ...

    def find_denial_of_client(self, client_ip: str, now: datetime) -> str:
        """Return what blocks a client, in the place of a limit's name; empty if nothing does."""
        ...

    def list_ends(self, phone: PhoneNumber, client_ip: str, now: datetime) -> Sequence[datetime]:
        """Return when the rules end that are about a phone or a client, each once, in order."""
        ...

    def explain_rejection(self, phone: PhoneNumber, limit: str, now: datetime) -> str:
        """Say to an operator which rule rejected a code; empty if none did.

        Args:
            phone: The phone.
            limit: The name of the limit that rejected; empty if the number is blocked.
            now: The time.
        """
        ...


@dataclass(slots=True)
class EffectiveLimits:
    """The limits that hold now.

    Attributes:
        settings: Those of the settings. What permits are given back depends on these alone.
        rules: Changes them. A feature sets it; without one nothing changes them.
    """

    settings: RateLimits
    rules: LimitRules | None = None

    def of_phone(self, phone: PhoneNumber, now: datetime) -> RateLimits:
        """Return the limits of messages and calls to a phone."""
        if self.rules is None or not self.rules.has_rules:
            return self.settings
        return self.rules.change(self.settings, phone.country, phone, now)

    def of_country(self, country: str, now: datetime) -> RateLimits:
        """Return the limits of a country and in total."""
        if self.rules is None or not self.rules.has_rules:
            return self.settings
        return self.rules.change(self.settings, country, None, now)

    def shared_limits(self, countries: Collection[str], now: datetime) -> Sequence[RateLimit]:
        """Return the limits that all phones of each of these countries share, or all phones."""
        if self.rules is None or not self.rules.has_rules:
            return self.settings.shared_limits(countries)
        limits = [*self.of_country("", now).shared_limits(())]
        for country in countries:
            of_country = self.of_country(country, now).shared_limits((country,))
            limits += [limit for limit in of_country if limit.country]
        return limits

    def find_denial(self, phone: PhoneNumber, now: datetime) -> str:
        """Return what blocks a phone, in the place of a limit's name; empty if nothing does."""
        if self.rules is None or not self.rules.has_rules:
            return ""
        return self.rules.find_denial(phone, now)

    def explain_denial(self, phone: PhoneNumber, now: datetime) -> str:
        """Return the same in words for operators."""
        if self.rules is None or not self.rules.has_rules:
            return ""
        return self.rules.explain_denial(phone, now)

    def explain_rejection(self, phone: PhoneNumber, limit: str, now: datetime) -> str:
        """Say to an operator which rule rejected a code; empty if none did."""
        if self.rules is None or not self.rules.has_rules:
            return ""
        return self.rules.explain_rejection(phone, limit, now)

    def reserve(
        self,
        phone: PhoneNumber,
        client_ip: str,
        now: datetime,
        make: Callable[[RateLimits, datetime], Reservation],
    ) -> Reservation:
        """Return a reservation under the limits that hold now.

        Args:
            phone: The phone.
            client_ip: The IP of the client; empty if rules about it do not matter.
            now: The time.
            make: Returns the reservation under these limits at this time.
        """
        of_settings = make(self.settings, now)
        rules = self.rules
        if rules is None or not rules.has_rules:
            return of_settings
        ends = rules.list_ends(phone, client_ip, now)
        if not ends:
            return of_settings
        later: Reservation | None = None
        for begin in reversed([now, *ends]):
            limits = rules.change(self.settings, phone.country, phone, begin)
            ruling = Ruling(of_settings, rules.find_denial_of_client(client_ip, begin), later)
            later = replace(make(limits, begin), ruling=ruling)
        return later or of_settings
