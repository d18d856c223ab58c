"""`dialtone cleanup`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from entrypoints.commands.command import Command

if TYPE_CHECKING:
    from collections.abc import Collection

    from application.operations.cleanup import CleanupReport
    from entrypoints.features.feature import Feature
    from entrypoints.settings.settings import Settings


@click.command(cls=Command, examples=[""])
def cleanup(settings: "Settings") -> Iterator[str]:
    """Delete expired and abandoned data. Safe while the service runs."""
    from entrypoints.commands.hidden_codes import hide_numbers
    from entrypoints.commands.progress import show_progress
    from entrypoints.commands.use_case_calls import call_with_use_cases
    from entrypoints.core.limits import LIMITS
    from entrypoints.core.otp import OTP
    from entrypoints.features import FEATURES
    from entrypoints.opening.startup_error import StartupError, print_errors

    def clean_up(features: "Collection[Feature]") -> "CleanupReport":
        with show_progress() as show:
            return call_with_use_cases(
                hide_numbers(settings),
                lambda use_cases: use_cases.operations.cleanup(
                    lambda report: show("cleaned up", report.total())
                ),
                features,
            )

    of_features = [feature for feature in FEATURES if feature.has_cleanup]
    try:
        # What was interrupted may end with a message.
        report = clean_up([LIMITS, OTP, *of_features])
    except StartupError as error:
        report = clean_up([LIMITS, *(each.without_messages or each for each in of_features)])
        print_errors(
            str(error), *(each.left_messages for each in of_features if each.left_messages)
        )
    for name, count in report.items():
        yield f"{name.replace('_', ' ')}: {count}"
