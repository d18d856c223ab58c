"""All rules together: which of them decide about a request."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from domain.errors import ConflictingValue
from domain.otp.named_limits import windows_by_name
from domain.otp.rate_limits import RateLimits
from domain.phone import PhoneNumber
from domain.rules.changeable_limits import CHANGEABLE_LIMITS, MAX_RAISE, SubjectKind
from domain.rules.errors import RuleNotFound, TooManyRules
from domain.rules.rule import Rule, RuleKind

RULES_ID: Final = "rules"
"""The id of the one record that has them: so that there are never more than may be."""
MAX_RULES: Final = 50


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of an installation, the oldest first. Those that have ended have no effect."""

    rules: tuple[Rule, ...] = ()
    id: str = RULES_ID

    def active(self, now: datetime) -> Sequence[Rule]:
        """Return the rules that have not ended."""
        return [rule for rule in self.rules if rule.is_active(now)]

    def prune(self, now: datetime) -> "RuleSet":
        """Return the set without rules that have ended."""
        return replace(self, rules=tuple(self.active(now)))

    def add(self, rule: Rule) -> "RuleSet":
        """Return the set with one more rule.

        Raises:
            ConflictingValue: One that says the same, with the same end, is active already.
            TooManyRules
        """
        pruned = self.prune(rule.created_at)
        if any((each.order, each.ends_at) == (rule.order, rule.ends_at) for each in pruned.rules):
            raise ConflictingValue("This rule is active already.")
        if len(pruned.rules) >= MAX_RULES:
            raise TooManyRules(
                f"{MAX_RULES} rules are active, and there may be no more: end one first."
            )
        return replace(pruned, rules=(*pruned.rules, rule))

    def end(self, rule_id: str, now: datetime) -> "RuleSet":
        """Return the set without a rule.

        Raises:
            RuleNotFound: No rule with this id is active.
        """
        self.find(rule_id, now)
        left = [rule for rule in self.active(now) if rule.id != rule_id]
        return replace(self, rules=tuple(left))

    def find(self, rule_id: str, now: datetime) -> Rule:
        """Return a rule that is active.

        Raises:
            RuleNotFound
        """
        for rule in self.active(now):
            if rule.id == rule_id:
                return rule
        raise RuleNotFound

    def about_phone(self, phone: PhoneNumber, now: datetime) -> Sequence[Rule]:
        """Return the active rules about a phone."""
        return [rule for rule in self.active(now) if rule.order.covers(phone)]

    def find_block(self, phone: PhoneNumber, now: datetime) -> Rule | None:
        """Return the rule that blocks a phone; of several the one that ends last."""
        return _last(rule for rule in self.about_phone(phone, now) if _blocks(rule))

    def find_block_of_client(self, client_ip: str, now: datetime) -> Rule | None:
        """Return the rule that blocks the network of a client; of several the one that ends last.

        Args:
            client_ip: An IPv4 address, or the /64 of an IPv6 address.
            now: The current time.
        """
        return _last(
            rule
            for rule in self.active(now)
            if _blocks(rule) and rule.order.covers_client(client_ip)
        )

    def change_sizes(
        self, settings: RateLimits, country: str, e164: str, now: datetime
    ) -> Mapping[str, int]:
        """Return how many permits the limits have that rules change, by their names.

        Of several rules about one limit the lowest value holds. What raises a limit changes nothing
        if the setting is higher meanwhile, and what lowers it nothing if the setting is lower. No
        limit is more than twice its setting.

        Args:
            settings: The limits without rules.
            country: The country of the phone; empty for the limits in total.
            e164: The phone; empty for the limits of the country.
            now: The current time.
        """
        changing = [
            rule.order
            for rule in self.active(now)
            if rule.order.value is not None
            and _is_about(rule, country, e164)
            and rule.order.limit in CHANGEABLE_LIMITS
        ]
        if not changing:
            return {}
        windows, sizes = windows_by_name(settings), dict[str, int]()
        for order in changing:
            setting, value = windows[order.limit].limit, order.value or 0
            is_lower = order.kind is RuleKind.LOWER and value < setting
            is_higher = order.kind is RuleKind.RAISE and value > setting
            if is_lower or is_higher:
                size = min(value, MAX_RAISE * setting)
                sizes[order.limit] = min(size, sizes.get(order.limit, size))
        return sizes

    def about_request(self, phone: PhoneNumber, client_ip: str, now: datetime) -> Sequence[Rule]:
        """Return the active rules about a request for a code."""
        return [
            rule
            for rule in self.active(now)
            if rule.order.covers(phone) or rule.order.covers_client(client_ip)
        ]


def _blocks(rule: Rule) -> bool:
    return rule.order.kind is RuleKind.BLOCK


def _last(rules: Iterable[Rule]) -> Rule | None:
    return max(rules, key=lambda rule: rule.ends_at, default=None)


def _is_about(rule: Rule, country: str, e164: str) -> bool:
    order = rule.order
    if order.subject_kind is SubjectKind.COUNTRY:
        return order.subject == country
    return e164.startswith(order.subject)  # in total the subject is empty
