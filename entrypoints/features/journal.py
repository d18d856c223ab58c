"""The journal of acts, which outlives the database."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from application.ports.journal import Journal
from application.ports.keys import KeyPurpose
from entrypoints.features.feature import Feature
from entrypoints.opening.last_writes import write_last
from entrypoints.opening.named_variable import name_variable
from entrypoints.settings import parsers
from entrypoints.settings.declaration import optional
from entrypoints.settings.hook_parsers import SECRET_EXAMPLE, find_hook, parse_hook_secrets
from entrypoints.settings.rules import Problem, Rule, check_hook_urls
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import HttpHook, Secret

if TYPE_CHECKING:
    from adapters.metrics.metrics import Metrics
    from application.use_cases import UseCases
    from entrypoints.commands.connection_checks import Check
    from entrypoints.opening.opening import Opening

_RETRY_INTERVAL: Final = timedelta(seconds=10)


@parsers.rejects_with("Must be the path of a file, or the https:// URL of a hook.")
def _parse_journal(text: str) -> Path | HttpHook:
    if hook := find_hook(text):
        return hook
    if "://" in text or text.endswith("/") or "\x00" in text:
        raise ValueError
    return Path(text)


def _show_journal(journal: Path | HttpHook) -> str:
    return journal.name if isinstance(journal, HttpHook) else str(journal)


@dataclass(frozen=True, kw_only=True)
class JournalSettings(Settings):
    """Where acts are written that a restored backup would not know."""

    journal: Path | HttpHook | None = optional(
        "Where deletions, blocks and the like are written for a restore: a file, or https://….",
        _parse_journal,
        example="/var/lib/dialtone-journal/journal.jsonl",
        show=_show_journal,
        file_name="JOURNAL_URL_FILE",
    )
    journal_secret: Secret[tuple[str, ...]] = optional(
        "Secret that signs the lines of the journal; required if DIALTONE_JOURNAL is a URL.",
        parse_hook_secrets,
        unset=Secret(()),
        example=SECRET_EXAMPLE,
    )

    @property
    def journal_hooks(self) -> list[HttpHook]:
        """The hook that gets the lines, if the journal is a hook."""
        return [self.journal] if isinstance(self.journal, HttpHook) else []


def _check_secret(settings: JournalSettings) -> Iterator[Problem]:
    if settings.journal_hooks and not settings.is_set("DIALTONE_JOURNAL_SECRET"):
        yield Problem("DIALTONE_JOURNAL_SECRET", "Must be set if DIALTONE_JOURNAL is a URL.")


def _check_hook(settings: JournalSettings) -> Iterator[Problem]:
    yield from check_hook_urls("DIALTONE_JOURNAL", settings.journal_hooks)


def open_journal(
    journal: Path | HttpHook, settings: Settings
) -> AbstractAsyncContextManager[Journal]:
    """Open the journal that the settings name."""
    if isinstance(journal, HttpHook):
        from adapters.journal.http_journal import open_http_journal

        return open_http_journal(journal.url, settings.of(JournalSettings).journal_secret.value)
    from adapters.journal.file_journal import FileJournal

    return nullcontext(FileJournal(journal))


async def _check_connection(journal: Path | HttpHook, settings: JournalSettings) -> str:
    from adapters.journal.file_journal import FileJournal

    with name_variable(settings.variable_of("DIALTONE_JOURNAL")):
        async with open_journal(journal, settings) as opened:
            if isinstance(opened, FileJournal):
                await opened.check()
                return ""
            return "the URL and the secret are valid; no request was sent"


class _Journal(Feature):
    """The journal of acts, which outlives the database."""

    name = "journal"
    folders = (
        "domain/journal",
        "application/journal",
        "application/ports/journal.py",
        "adapters/journal",
        "entrypoints/commands/journal",
        "adapters/metrics/features/journal.py",
    )
    settings = JournalSettings

    def rules(self) -> Sequence[Rule]:
        return (_check_secret,)

    def production_rules(self) -> Sequence[Rule]:
        return (_check_hook,)

    def connection_checks(self, settings: "Settings") -> "Mapping[str, Check]":
        journal = settings.of(JournalSettings)
        if journal.journal is None:
            return {}
        return {"journal": partial(_check_connection, journal.journal, journal)}

    def must_be_open(self, settings: "Settings") -> bool:
        """Return whether there is a journal: acts are written to it, whoever does them."""
        return settings.of(JournalSettings).journal is not None

    def background_tasks(
        self, settings: "Settings", use_cases: "UseCases", metrics: "Metrics | None"
    ) -> Sequence[AbstractAsyncContextManager[None]]:
        """Write the lines that wait, if there is a journal."""
        del settings
        from application.journal.feature import JournalFeature
        from entrypoints.server.background_task import repeat

        write_acts = use_cases.of(JournalFeature).write_acts
        if write_acts is None:
            return ()
        # There may be many lines, and what was written is not written again.
        task = repeat(
            "journal",
            write_acts.retry,
            failed_event="journal_not_written",
            pause=_RETRY_INTERVAL,
            limit=_RETRY_INTERVAL * 6,
            metrics=metrics,
        )
        return (task,)

    @asynccontextmanager
    async def open(self, opening: "Opening") -> AsyncIterator[None]:
        """Write acts from now on, and at the end what waits."""
        from adapters.journal.file_journal import FileJournal
        from application.journal.feature import JournalFeature
        from application.journal.write_acts import WriteActs

        settings, core = opening.settings.of(JournalSettings), opening.use_cases
        lines = None
        if opening.metrics is not None:
            from adapters.metrics.features.journal import declare_journal_lines

            lines = declare_journal_lines(opening.metrics)
        if settings.journal is None:
            core.add(JournalFeature(core, None))
            yield
            return
        journal = await opening.stack.enter_async_context(open_journal(settings.journal, settings))
        if isinstance(journal, FileJournal) and opening.is_service:
            with name_variable("DIALTONE_JOURNAL"):
                await journal.check()
        if lines is not None:
            from adapters.metrics.features.journal import CountedJournal

            journal = CountedJournal(journal, lines)
        write_acts = WriteActs(
            journal=journal,
            keyed_hashes=opening.phone_encryption,
            index_key=opening.keys.current()[KeyPurpose.PHONE_INDEX][0].id,
            clock=opening.system.clock,
            count_dropped=lines.labels("dropped").inc if lines else lambda: None,
        )
        opening.observers.add(write_acts)
        core.add(JournalFeature(core, write_acts))
        try:
            yield
        finally:
            await write_last(write_acts.retry, "journal_not_written")


JOURNAL: Final = _Journal()
