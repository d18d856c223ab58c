"""The settings of the journal."""

from dataclasses import dataclass
from pathlib import Path

from entrypoints.settings import parsers
from entrypoints.settings.declaration import optional
from entrypoints.settings.hook_parsers import SECRET_EXAMPLE, find_hook, parse_hook_secrets
from entrypoints.settings.service import ServiceSettings
from entrypoints.settings.values import HttpHook, Secret


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
class JournalSettings(ServiceSettings):
    """Where acts are written that a restored backup would not know."""

    journal: Path | HttpHook | None = optional(
        _parse_journal,
        example="/var/lib/dialtone-journal/journal.jsonl",
        show=_show_journal,
        file_name="JOURNAL_URL_FILE",
    )
    """Where deletions, blocks and the like are written for a restore: a file, or https://…."""
    journal_secret: Secret[tuple[str, ...]] = optional(
        parse_hook_secrets, unset=Secret(()), example=SECRET_EXAMPLE
    )
    """Secret that signs the lines of the journal; required if DIALTONE_JOURNAL is a URL."""

    @property
    def journal_hooks(self) -> list[HttpHook]:
        """The hook that gets the lines, if it is one."""
        return [self.journal] if isinstance(self.journal, HttpHook) else []
