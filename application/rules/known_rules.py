"""The rules that this process knows, for each request."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from application.ports.rules import RuleSets
from application.ports.system import Clock
from domain.otp.named_limits import change_limits
from domain.otp.rate_limits import RateLimits
from domain.otp.rejection import BY_RULE
from domain.phone import PhoneNumber
from domain.rules.rule import Rule, RuleKind
from domain.rules.rule_set import RULES_ID, RuleSet

READ_INTERVAL: Final = timedelta(seconds=5)
"""How often each process reads them: so late a rule of another process acts at most."""
READ_TIMEOUT: Final = timedelta(seconds=15)
"""The longest call of a database."""
LOG_INTERVAL: Final = timedelta(minutes=1)
"""How often a process says that it could not read them."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class KnownRules:
    """The rules of the last read that succeeded; it is what the limits ask (`LimitRules`).

    - A rule has no effect from its end on, whether it was read since or not.
    - Of two reads at the same time the one that began later decides.
    """

    rule_sets: RuleSets
    clock: Clock
    known: RuleSet = field(default_factory=RuleSet)
    read_at: datetime | None = None
    _reads: int = 0
    _latest_read: int = 0
    _warned_at: datetime | None = None

    async def read(self) -> None:
        """Read the rules.

        Raises:
            CorruptRecord
            StorageError: Those of the last read still hold.
        """
        self._reads += 1
        number = self._reads
        loaded = await self.rule_sets.load(RULES_ID)
        if number > self._latest_read:
            self._latest_read = number
            self.known = loaded.value if loaded else RuleSet()
            self.read_at = self.clock.now()

    def warn(self, event: str, error: Exception) -> None:
        """Log that a read failed, once a minute at most."""
        now = self.clock.now()
        if self._warned_at is None or not timedelta() <= now - self._warned_at < LOG_INTERVAL:
            self._warned_at = now
            fields = {"reason": str(error), "active": len(self.known.active(now))}
            _log.warning({"event": event, **fields})

    @property
    def has_rules(self) -> bool:
        return bool(self.known.rules)

    def change(
        self, settings: RateLimits, country: str, phone: PhoneNumber | None, now: datetime
    ) -> RateLimits:
        sizes = self.known.change_sizes(settings, country, phone.e164 if phone else "", now)
        return change_limits(settings, sizes) if sizes else settings

    def find_denial(self, phone: PhoneNumber, now: datetime) -> str:
        return _name(self.known.find_block(phone, now))

    def explain_denial(self, phone: PhoneNumber, now: datetime) -> str:
        rule = self.known.find_block(phone, now)
        return f"rule {rule.id} blocks it until {_format(rule.ends_at)}" if rule else ""

    def find_denial_of_client(self, client_ip: str, now: datetime) -> str:
        return _name(self.known.find_block_of_client(client_ip, now))

    def list_ends(self, phone: PhoneNumber, client_ip: str, now: datetime) -> Sequence[datetime]:
        rules = self.known.about_request(phone, client_ip, now)
        return sorted({rule.ends_at for rule in rules})

    def explain_rejection(self, phone: PhoneNumber, limit: str, now: datetime) -> str:
        rule = self._find_rejecting(phone, limit, now)
        if rule is None:
            return ""
        return (
            f"Nothing was sent: rule {rule.id} rejects it until {_format(rule.ends_at)}"
            f" ({rule.order})."
        )

    def _find_rejecting(self, phone: PhoneNumber, limit: str, now: datetime) -> Rule | None:
        if not limit:
            return self.known.find_block(phone, now)
        if not limit.startswith(BY_RULE):
            return None
        lowering = [
            rule for rule in self.known.about_phone(phone, now) if rule.order.kind is RuleKind.LOWER
        ]
        named = [rule for rule in lowering if rule.order.limit == limit.removeprefix(BY_RULE)]
        return min(named or lowering, key=lambda rule: rule.order.value or 0, default=None)


def _name(rule: Rule | None) -> str:
    return f"{BY_RULE}{rule.order.subject_kind}" if rule else ""


def _format(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
