"""Rules: temporary orders of operators about numbers, networks, countries and limits."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from adapters.metrics.exposition import MeasuredGauge
    from application.administration.show_user import UserDetails
    from application.use_cases import UseCases
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.http.user_details import UserFields
    from entrypoints.opening.opening import Opening
    from entrypoints.settings.settings import Settings
    from entrypoints.words.user_rows import UserRow


class _Rules(Feature):
    """Rules."""

    name = "rules"
    folders = (
        "domain/rules",
        "domain/otp/named_limits.py",
        "application/rules",
        "application/ports/rules.py",
        "adapters/records/features/rules.py",
        "entrypoints/http/rules",
        "entrypoints/http/console/rules",
        "entrypoints/commands/rules",
        "entrypoints/words/rule_words.py",
    )
    has_cleanup = True

    def must_be_open(self, settings: "Settings") -> bool:
        """Return that it must: what commands send obeys the rules too."""
        del settings
        return True

    def plugins(self, settings: "Settings", installed: Sequence[Feature]) -> "Sequence[ApiPlugin]":
        del settings, installed
        from entrypoints.http.rules.plugin import RulesPlugin

        return (RulesPlugin(),)

    def user_rows(self, details: "UserDetails") -> "Sequence[UserRow]":
        from entrypoints.words.rule_words import rule_rows

        return rule_rows(details)

    def user_fields(self) -> "Sequence[type[UserFields]]":
        from entrypoints.http.rules.user_fields import RuleFields

        return (RuleFields,)

    def add_details(self, opening: "Opening") -> None:
        """Show those about a phone to operators."""
        from adapters.records.features.rules import make_rules_repositories
        from application.rules.details import add_rules_details

        add_rules_details(opening.use_cases, make_rules_repositories(opening.database))

    @asynccontextmanager
    async def open(self, opening: "Opening") -> AsyncIterator[None]:
        """Add the use cases. Where there are limits, read the rules first, and again and again.

        So they act before the first request is answered.
        """
        from adapters.records.features.rules import make_rules_repositories
        from application.otp.feature import LimitsFeature
        from application.rules.feature import RulesFeature, RulesPolicy
        from application.rules.known_rules import READ_INTERVAL, READ_TIMEOUT
        from entrypoints.server.background_task import repeat

        core = opening.use_cases
        policy = opening.settings.otp_policy(are_messages_reported=False)
        rules = RulesFeature(
            core,
            make_rules_repositories(opening.database),
            RulesPolicy(rate_limits=policy.rate_limits, countries=policy.countries),
        )
        core.add(rules)
        if core.find(LimitsFeature) is None:
            yield
            return
        await rules.known.read()
        async with repeat(
            "rules",
            rules.known.read,
            failed_event="rules_not_read",
            pause=READ_INTERVAL,
            limit=READ_TIMEOUT,
            metrics=opening.metrics,
            log_failure=rules.known.warn,
        ):
            yield

    def gauges(self, settings: "Settings", use_cases: "UseCases") -> "Sequence[MeasuredGauge]":
        """Return how many rules are active, and when they were read."""
        del settings
        from adapters.metrics.exposition import MeasuredGauge
        from application.rules.feature import RulesFeature

        rules = use_cases.of(RulesFeature)

        async def count() -> Mapping[str, float]:
            return rules.count()

        async def measure_age() -> float:
            return rules.age().total_seconds()

        return (
            MeasuredGauge(
                name="rules",
                text="Rules that are active, as the process that answers knows them.",
                measure=count,
                label="kind",
            ),
            MeasuredGauge(
                name="rules_read_age_seconds",
                text="How long ago the rules were read, by the process that answers.",
                measure=measure_age,
            ),
        )


RULES: Final = _Rules()
"""Opened with the core: rules act on all that sends a code."""
