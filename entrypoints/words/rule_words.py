"""Rules in words, for `dialtone` and the web console."""

from collections.abc import Sequence
from datetime import UTC, datetime

from application.administration.show_user import UserDetails
from application.rules.details import rules_about
from domain.administration.audit import Actor
from domain.rules.rule import Rule
from entrypoints.words.user_rows import UserRow, UserRowPlace


def describe_rule(rule: Rule) -> str:
    """Say what a rule does until when, and why.

    Example: `68b1… block prefix +4479, until 2026-05-01 09:30 UTC: ticket 4711`.
    """
    return f"{rule.id}  {rule.order}, until {format_time(rule.ends_at)}: {rule.reason}"


def describe_actor(actor: Actor) -> str:
    """Say who added a rule."""
    return f"{actor.kind} {actor.id}" + (f" ({actor.name})" if actor.name else "")


def format_time(time: datetime) -> str:
    """Return a time in words."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def rule_rows(details: UserDetails) -> Sequence[UserRow]:
    """Return the rules about the phone of a user, a row each."""
    return [
        UserRow(
            place=UserRowPlace.PHONE,
            label="rule",
            value=describe_rule(rule),
            command=f"dialtone rule end {rule.id}",
        )
        for rule in rules_about(details)
    ]
