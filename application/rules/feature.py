"""Add, list and end rules."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from application.administration.caller import Caller
from application.otp.feature import LimitsFeature
from application.ports.errors import CorruptRecord, StorageError
from application.ports.rules import RulesRepositories
from application.rules.acts import ADD_RULE, END_RULE
from application.rules.known_rules import KnownRules
from application.update import change
from application.use_cases import UseCases
from domain.administration.scope import Scope
from domain.errors import InvalidValue
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.otp.named_limits import windows_by_name
from domain.otp.rate_limits import RateLimits
from domain.rules.parse_order import LimitSettings, check_value
from domain.rules.rule import MAX_DURATION, Rule, RuleKind, RuleOrder
from domain.rules.rule_set import RULES_ID, RuleSet


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesPolicy:
    """What rules are compared with.

    Attributes:
        rate_limits: The limits of the settings.
        countries: The countries that get codes; None for all.
    """

    rate_limits: RateLimits
    countries: Collection[str] | None


class RulesFeature:
    """The use cases of rules.

    - A rule acts in this process at once, and in all others within five seconds.
    - At most fifty rules are active, also if two are added at the same time: one record has all of
      them, and it is replaced only if nobody has changed it.
    - What is added and ended is in the audit before.
    """

    def __init__(
        self, core: UseCases, repositories: RulesRepositories, policy: RulesPolicy
    ) -> None:
        """Build the use cases. The limits ask the rules, if they are open."""
        self._clock, self._randomness = core.system.clock, core.system.randomness
        self._rule_sets = repositories.rule_sets
        self._record_act = core.record_act
        self.known = KnownRules(repositories.rule_sets, core.system.clock)
        self.settings = LimitSettings(windows_by_name(policy.rate_limits), policy.countries)
        """What a rule is compared with when it is parsed."""
        if (limits := core.find(LimitsFeature)) is not None:
            limits.limits.rules = self.known
        core.operations.cleanup.add_steps({"ended_rules": self._delete_ended})

    def now(self) -> datetime:
        """Return the time from which on a rule holds."""
        return self._clock.now()

    async def add(self, caller: Caller, order: RuleOrder, ends_at: datetime, reason: str) -> Rule:
        """Add a rule, which acts from now on.

        Args:
            caller: Who adds it.
            order: What it says, as `parse_order` returns it.
            ends_at: When it ends, as `parse_end` returns it.
            reason: Why, as `Caller.parse_reason` returns it.

        Raises:
            Forbidden, InsufficientScope, PasskeyRequired, TooShort: The caller may not.
            InvalidValue: The end is over, or too far away.
            ConflictingValue: No rule gives the limit so many permits, or it was added before.
            TooManyRules
            AuditFailed
            StorageError
        """
        caller.check(ADD_RULE, reason)
        now = self._clock.now()
        if order.value is not None:
            check_value(order.limit, order.subject, order.value, self.settings)
        if not now < ends_at <= now + MAX_DURATION:
            raise InvalidValue("The end of this rule is over, or too far away.")
        rule = Rule(
            id=make_identifier(now, self._randomness.bytes(RANDOM_BYTES)),
            order=order,
            reason=reason,
            created_at=now,
            created_by=caller.actor,
            ends_at=ends_at,
        )
        described = f"{order}, until {rule.ends_at:%Y-%m-%d %H:%M:%S} UTC. {reason}"
        async with self._record_act(caller.actor, ADD_RULE.action, rule.id, described):

            def add(found: RuleSet | None) -> tuple[RuleSet, None]:
                return (found or RuleSet()).add(rule), None

            await change(self._rule_sets, RULES_ID, add)
        await self._read_again()
        return rule

    async def list(self, caller: Caller) -> Sequence[Rule]:
        """List the active rules, the oldest first.

        Raises:
            Forbidden, InsufficientScope: The caller may neither read nor write rules.
            StorageError
        """
        if not caller.has_scope(Scope.WRITE_RULES):
            caller.check_scope(Scope.READ_RULES)
        return (await self._load()).active(self._clock.now())

    async def end(self, caller: Caller, rule_id: str, reason: str) -> Rule:
        """End a rule: from now on it has no effect.

        Raises:
            Forbidden, InsufficientScope, PasskeyRequired, TooShort: The caller may not.
            RuleNotFound: No rule with this id is active.
            AuditFailed
            StorageError
        """
        caller.check(END_RULE, reason)
        rule = (await self._load()).find(rule_id, self._clock.now())
        described = f"{rule.order}. {reason}"
        async with self._record_act(caller.actor, END_RULE.action, rule.id, described):

            def end(found: RuleSet | None) -> tuple[RuleSet, None]:
                return (found or RuleSet()).end(rule_id, self._clock.now()), None

            await change(self._rule_sets, RULES_ID, end)
        await self._read_again()
        return rule

    def count(self) -> Mapping[str, int]:
        """Return how many rules are active that this process knows."""
        kinds = [rule.order.kind for rule in self.known.known.active(self._clock.now())]
        return {kind.value: kinds.count(kind) for kind in RuleKind}

    def age(self) -> timedelta:
        """Return how long ago this process has read the rules; 0 if it does not need them."""
        now, read_at = self._clock.now(), self.known.read_at
        return max(timedelta(), now - (read_at or now))

    async def _load(self) -> RuleSet:
        loaded = await self._rule_sets.load(RULES_ID)
        return loaded.value if loaded else RuleSet()

    async def _read_again(self) -> None:
        """Let a change act in this process. Where that fails, the next read does."""
        with suppress(CorruptRecord, StorageError):
            await self.known.read()

    async def _delete_ended(self, now: datetime) -> int:
        def prune(found: RuleSet | None) -> tuple[RuleSet | None, int]:
            if found is None:
                return None, 0
            pruned = found.prune(now)
            return pruned, len(found.rules) - len(pruned.rules)

        return await change(self._rule_sets, RULES_ID, prune)
