"""`dialtone media`: the library compared with the media store, and its variants made again."""

import time
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict
from tempfile import TemporaryFile
from typing import Final

from application.media.check_media import MediaFindings
from application.media.feature import MediaFeature
from application.use_cases import UseCases
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.features.media import MEDIA
from entrypoints.opening.startup_error import CommandError, print_errors
from entrypoints.settings.settings import Settings

_PROGRESS_SECONDS: Final = 2.0


def media(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Check the media store, or rebuild the variants."""
    if arguments.action == "check":
        return _check_media(settings, arguments)
    return _rebuild_variants(settings)


def _rebuild_variants(settings: Settings) -> Iterable[str]:
    """Make the variants of all images that the settings name; the log has the progress."""
    report = call_with_use_cases(
        settings,
        lambda use_cases: use_cases.of(MediaFeature).rebuild_variants(TemporaryFile),
        [MEDIA],
    )
    yield from (f"{name.replace('_', ' ')}: {count}" for name, count in asdict(report).items())
    if report.failed_items:
        raise CommandError("Some images could not be decoded. The log has their ids.")


def _check_media(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Compare the library with the media store; repair the differences on request."""
    show_progress = _ProgressLine()

    async def check(use_cases: UseCases) -> MediaFindings:
        findings = await use_cases.of(MediaFeature).check_media.find(show_progress)
        if arguments.repair:
            if findings.is_suspicious and not arguments.force:
                raise CommandError(
                    f"Nothing was changed: no item of {findings.items} has its file. Check that"
                    " DIALTONE_DATABASE and DIALTONE_MEDIA belong together, or add --force."
                )
            await use_cases.of(MediaFeature).check_media.repair(findings, show_progress)
        return findings

    found = call_with_use_cases(settings, check, [MEDIA])
    yield from (f"file without an item: {key}" for key in found.files_without_item)
    yield from (f"item without its file: {item_id}" for item_id in found.items_without_file)
    yield from (f"item without a variant: {item_id}" for item_id in found.items_without_variant)
    yield f"files checked: {found.files}; without an item: {len(found.files_without_item)}"
    yield (
        f"items checked: {found.items}; without their file: {len(found.items_without_file)};"
        f" without a variant: {len(found.items_without_variant)}"
    )
    if arguments.repair:
        yield f"repaired: {found.repaired}; corrected usages: {found.corrected_usages}"
        if found.items_without_variant:
            yield "Next: dialtone media rebuild-variants"
    elif found.orphans:
        raise CommandError("Some files or items have no counterpart: dialtone media check --repair")


class _ProgressLine:
    """Prints progress to stderr, every two seconds at most."""

    def __init__(self) -> None:
        self._shown_at = time.monotonic()

    def __call__(self, findings: MediaFindings) -> None:
        if time.monotonic() - self._shown_at >= _PROGRESS_SECONDS:
            self._shown_at = time.monotonic()
            print_errors(
                f"{findings.files} files and {findings.items} items checked,"
                f" {findings.orphans} found, {findings.repaired} repaired"
            )
