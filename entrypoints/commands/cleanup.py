"""`dialtone cleanup`."""

from argparse import Namespace
from collections.abc import Iterable

from application.operations.cleanup import CleanupReport
from entrypoints.bootstrap import Part
from entrypoints.commands.progress import ProgressLine
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.settings.settings import Settings


def cleanup(settings: Settings, _: Namespace) -> Iterable[str]:
    """Delete expired and abandoned data; report how many of each kind."""
    parts = (Part.MEDIA, Part.CALLS, Part.LIMITS)
    show_progress = ProgressLine()

    def report_progress(report: CleanupReport) -> None:
        show_progress("cleaned up", report.total())

    report = call_with_use_cases(
        settings, parts, lambda use_cases: use_cases.operations.cleanup(report_progress)
    )
    return [f"{name.replace('_', ' ')}: {count}" for name, count in report.items()]
