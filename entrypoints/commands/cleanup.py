"""`dialtone cleanup`."""

from argparse import Namespace
from collections.abc import Collection, Iterable

from application.operations.cleanup import CleanupReport
from entrypoints.commands.hidden_codes import hide_numbers
from entrypoints.commands.progress import ProgressLine
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.core.limits import LIMITS
from entrypoints.core.otp import OTP
from entrypoints.features import FEATURES
from entrypoints.features.feature import Feature
from entrypoints.opening.startup_error import StartupError, print_errors
from entrypoints.settings.settings import Settings


def cleanup(settings: Settings, _: Namespace) -> Iterable[str]:
    """Delete expired and abandoned data; report how many of each kind."""
    show_progress = ProgressLine()

    def report_progress(report: CleanupReport) -> None:
        show_progress("cleaned up", report.total())

    def clean_up(features: Collection[Feature]) -> CleanupReport:
        return call_with_use_cases(
            hide_numbers(settings),
            lambda use_cases: use_cases.operations.cleanup(report_progress),
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
    return [f"{name.replace('_', ' ')}: {count}" for name, count in report.items()]
