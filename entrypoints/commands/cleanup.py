"""`dialtone cleanup`."""

from argparse import Namespace
from collections.abc import Iterable

from application.operations.cleanup import CleanupReport
from entrypoints.bootstrap import Part
from entrypoints.commands.hidden_codes import hide_numbers
from entrypoints.commands.progress import ProgressLine
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.opening.startup_error import StartupError, print_errors
from entrypoints.settings.settings import Settings


def cleanup(settings: Settings, _: Namespace) -> Iterable[str]:
    """Delete expired and abandoned data; report how many of each kind."""
    parts = (Part.MEDIA, Part.CALLS, Part.LIMITS)
    show_progress = ProgressLine()

    def report_progress(report: CleanupReport) -> None:
        show_progress("cleaned up", report.total())

    def clean_up(*more_parts: Part) -> CleanupReport:
        return call_with_use_cases(
            hide_numbers(settings),
            (*parts, *more_parts),
            lambda use_cases: use_cases.operations.cleanup(report_progress),
        )

    try:
        # A change of a phone that was interrupted ends with a message.
        report = clean_up(Part.MESSAGES)
    except StartupError as error:
        report = clean_up()
        print_errors(
            str(error), "Messages to numbers that were changed wait until the service sends them."
        )
    return [f"{name.replace('_', ' ')}: {count}" for name, count in report.items()]
