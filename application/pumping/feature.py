"""Warn where codes are not entered, list and end warnings."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from application.administration.caller import Caller
from application.conversion.feature import ConversionFeature
from application.otp.feature import LimitsFeature, OtpFeature
from application.ports.pumping import PumpingRepositories
from application.pumping.acts import END_WARNING
from application.pumping.judge_countries import JudgeCountries
from application.pumping.known_warnings import KnownWarnings
from application.update import change
from application.use_cases import UseCases
from domain.pumping.warning import WARNINGS_ID, ClosedBy, PumpingWarning, PumpingWarnings

_log: Final = logging.getLogger(__name__)


class PumpingFeature:
    """The use cases of warnings.

    - A warning is opened and closed once, whichever process decides it: one record has all of
      them, and it is replaced only if nobody has changed it. That process logs it.
    - It acts in this process at once, and in all others after their next `read`.
    """

    def __init__(
        self, core: UseCases, repositories: PumpingRepositories, *, protects: bool = True
    ) -> None:
        """Build the use cases.

        Args:
            core: The use cases of the core.
            repositories: Where the warnings are.
            protects: Whether warnings are opened, and ask something of strangers.
        """
        self._clock = core.system.clock
        self._warning_sets = repositories.warning_sets
        self._record_act = core.record_act
        self._judge = JudgeCountries(core.of(ConversionFeature).recent, core.system.randomness)
        self._judged_minute: datetime | None = None
        self.known: KnownWarnings | None = None
        limits = core.find(LimitsFeature)
        if protects and limits is not None:
            self.known = KnownWarnings(limits.limits, core.keyed_hashes)
            limits.limits.terms.append(self.known)
            if (otp := core.find(OtpFeature)) is not None:
                otp.extensions.find_sample = self.known.find_sample
        core.operations.cleanup.add_steps({"ended_pumping_warnings": self._delete_ended})

    async def read(self) -> None:
        """Read the warnings, so that they act in this process.

        Raises:
            CorruptRecord
            StorageError: Those of the last read still hold.
        """
        loaded = await self._warning_sets.load(WARNINGS_ID)
        self._keep(loaded.value if loaded else PumpingWarnings())

    async def update(self) -> None:
        """Read the warnings. Once a minute, open and close some by the counts.

        Raises:
            CorruptRecord
            StorageError
        """
        now = self._clock.now()
        minute = now.replace(second=0, microsecond=0)
        if minute == self._judged_minute:
            await self.read()
            return

        def judge(
            found: PumpingWarnings | None,
        ) -> tuple[PumpingWarnings | None, tuple[PumpingWarnings, PumpingWarnings]]:
            before = found or PumpingWarnings()
            after = self._add_prefixes(self._judge(before, now))
            return (found if after == before else after), (before, after)

        before, after = await change(self._warning_sets, WARNINGS_ID, judge)
        self._judged_minute = minute
        self._keep(after)
        if self.known is not None:
            self.known.prefixes.clear()
        for warning in after.warnings:
            if warning not in before.warnings:
                self._log_change(warning, now)

    async def list(self) -> Sequence[PumpingWarning]:
        """List the warnings that are open, the oldest first.

        Raises:
            CorruptRecord
            StorageError
        """
        loaded = await self._warning_sets.load(WARNINGS_ID)
        return loaded.value.open_at(self._clock.now()) if loaded else []

    async def end(self, caller: Caller, warning_id: str, reason: str) -> PumpingWarning:
        """End a warning: from now on it has no effect, and for a day there is no other like it.

        Raises:
            Forbidden, TooShort: The caller may not.
            InvalidValue: No warning with this id is open.
            AuditFailed
            StorageError
        """
        caller.check(END_WARNING, reason)
        loaded = await self._warning_sets.load(WARNINGS_ID)
        before = (loaded.value if loaded else PumpingWarnings()).find_open(
            warning_id, self._clock.now()
        )
        described = f"warning of pumping in {before.country}. {reason}"
        async with self._record_act(caller.actor, END_WARNING.action, before.id, described):

            def end(
                found: PumpingWarnings | None,
            ) -> tuple[PumpingWarnings, tuple[PumpingWarnings, PumpingWarning]]:
                warnings, now = found or PumpingWarnings(), self._clock.now()
                ended = warnings.find_open(warning_id, now).close(now, ClosedBy.OPERATOR)
                return warnings.replace(ended), (warnings.replace(ended), ended)

            after, ended = await change(self._warning_sets, WARNINGS_ID, end)
        self._keep(after)
        return ended

    def count(self) -> Mapping[str, int]:
        """Return how many warnings are open in each country that this process knows."""
        if self.known is None:
            return {}
        return Counter(each.country for each in self.known.known.open_at(self._clock.now()))

    def _keep(self, warnings: PumpingWarnings) -> None:
        if self.known is not None:
            self.known.known = warnings

    def _add_prefixes(self, warnings: PumpingWarnings) -> PumpingWarnings:
        """Return the warnings with the ranges that requests have shown."""
        if self.known is None:
            return warnings
        found = self.known.prefixes
        for warning in warnings.warnings:
            if warning.id in found and not warning.prefix and warning.closed_at is None:
                warnings = warnings.replace(replace(warning, prefix=found[warning.id]))
        return warnings

    def _log_change(self, warning: PumpingWarning, now: datetime) -> None:
        """Log that a warning was opened or closed; that it is renewed is no news."""
        fields = {
            "warning_id": warning.id,
            "country": warning.country,
            "subject": "range" if warning.number_range else "country",
        }
        if warning.closed_by is not None:
            reason = warning.closed_by.value
            _log.warning({"event": "pumping_warning_closed", **fields, "reason": reason})
        elif warning.opened_at == now:
            counts = {
                "sent": warning.sent,
                "networks": warning.networks,
                "share_percent": warning.share_percent,
                "usual_percent": warning.usual_percent,
            }
            _log.warning({"event": "pumping_warning_opened", **fields, **counts})

    async def _delete_ended(self, now: datetime) -> int:
        def prune(found: PumpingWarnings | None) -> tuple[PumpingWarnings | None, int]:
            if found is None:
                return None, 0
            pruned = found.prune(now)
            return pruned, len(found.warnings) - len(pruned.warnings)

        return await change(self._warning_sets, WARNINGS_ID, prune)
