"""`dialtone cleanup`."""

from argparse import Namespace
from collections.abc import Iterable

from entrypoints.bootstrap import Part
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.settings.settings import Settings


def cleanup(settings: Settings, _: Namespace) -> Iterable[str]:
    """Delete expired and abandoned data; report how many of each kind."""
    parts = (Part.MEDIA, Part.CALLS, Part.LIMITS)
    report = call_with_use_cases(settings, parts, lambda use_cases: use_cases.operations.cleanup())
    return [f"{name.replace('_', ' ')}: {count}" for name, count in report.items()]
