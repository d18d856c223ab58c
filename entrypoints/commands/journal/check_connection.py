"""The check of the journal, for `check-settings --connect`."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from adapters.journal.file_journal import FileJournal
from entrypoints.commands.connection_checks import Check
from entrypoints.features.journal import JournalSettings, open_journal
from entrypoints.opening.factories import name_variable
from entrypoints.settings.values import HttpHook


def connection_checks(settings: JournalSettings) -> Mapping[str, Check]:
    """Return the check of the journal, if the settings name one."""
    if settings.journal is None:
        return {}
    return {"journal": partial(_check_journal, settings.journal, settings)}


async def _check_journal(journal: Path | HttpHook, settings: JournalSettings) -> str:
    with name_variable(settings.variable_of("DIALTONE_JOURNAL")):
        async with open_journal(journal, settings) as opened:
            if isinstance(opened, FileJournal):
                await opened.check()
                return ""
            return "the URL and the secret are valid; no request was sent"
