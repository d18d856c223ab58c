"""`dialtone cleanup`."""

from collections.abc import Collection, Iterator

import click

from application.operations.cleanup import REFUSED_DELETIONS, CleanupIncomplete, CleanupReport
from application.use_cases import UseCases
from entrypoints.commands.shared.command import Command
from entrypoints.commands.shared.hidden_numbers import hide_numbers
from entrypoints.commands.shared.progress import show_progress
from entrypoints.commands.shared.use_case_calls import call_with_use_cases
from entrypoints.composition.features import FEATURES
from entrypoints.composition.limits import LIMITS
from entrypoints.composition.otp import OTP
from entrypoints.features.feature import StoreAway
from entrypoints.parts.composition import Openable
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import CommandError, StartupError, print_errors


@click.command(cls=Command, examples=[""])
def cleanup(settings: Settings) -> Iterator[str]:
    """Delete expired and abandoned data. Safe while the service runs."""
    problems = list[str]()

    def clean_up(openables: Collection[Openable]) -> CleanupReport:
        try:
            with show_progress() as show:

                async def run(use_cases: UseCases) -> CleanupReport:
                    try:
                        return await use_cases.operations.cleanup(
                            lambda report: show("cleaned up", report.total())
                        )
                    except CleanupIncomplete as error:
                        problems.append(f"{error}.".capitalize())
                        return error.report

                return call_with_use_cases(hide_numbers(settings), run, openables)
        except StoreAway as error:
            problems.append(str(error))
            away = error.instead
            return clean_up(
                [away if openable.name == away.name else openable for openable in openables]
            )

    with_records = [feature for feature in FEATURES if feature.kinds]
    try:
        # What was interrupted may end with a message.
        report = clean_up([LIMITS, OTP, *with_records])
    except StartupError as error:
        instead = {each: each.without_messages for each in with_records if each.without_messages}
        others = (each for each in with_records if each not in instead)
        report = clean_up([LIMITS, *others, *(each.feature for each in instead.values())])
        print_errors(str(error), *(each.left for each in instead.values()))
    for name, count in report.items():
        yield f"{name.replace('_', ' ')}: {count}"
    if problems:
        raise CommandError("\n".join(problems))
    if report[REFUSED_DELETIONS]:
        raise CommandError(
            "Some files could not be deleted: the line file_deletion_retry_failed says why. The "
            "service tries again every 20 seconds."
        )
