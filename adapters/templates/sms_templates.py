"""SMS templates from files, and their validation at start."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final, NamedTuple

from adapters.templates.template import whole_minutes
from adapters.templates.template_file import (
    SUFFIX,
    InvalidTemplateFile,
    TemplateFile,
    read_template_file,
)
from adapters.templates.template_set import AppIdentity, TemplatePreview
from application.ports.errors import ConfigurationError
from domain.otp.challenge import OTP_TTL, OtpCode
from domain.otp.message_preferences import MessagePreferences, locale_fallbacks

FALLBACK_LOCALE: Final = "en"


class TemplateProblem(NamedTuple):
    """Why a template cannot be used; `location` names the file and, if known, the platform."""

    location: str
    reason: str
    is_builtin: bool


class InvalidTemplates(ConfigurationError):
    """Templates that cannot be used; `problems` lists all of them."""

    def __init__(self, problems: Sequence[TemplateProblem]) -> None:
        """Make an error of all problems."""
        super().__init__("; ".join(f"{problem.location}: {problem.reason}" for problem in problems))
        self.problems = problems


class FileSmsTemplates:
    """Templates from files; of two files with the same name the later one is used."""

    def __init__(
        self, template_files: Sequence[TemplateFile], default_locale: str, app: AppIdentity
    ) -> None:
        """Take files that include one for `FALLBACK_LOCALE`."""
        self._files = {file.name: file for file in template_files}
        self._default_names = (*locale_fallbacks(default_locale), FALLBACK_LOCALE)
        self._app = app

    def render(
        self, code: OtpCode, *, lifetime: timedelta, country: str, preferences: MessagePreferences
    ) -> str:
        """Render the message for a phone number of `country`."""
        # Countries are upper case and languages lower case: their names never collide.
        names = (country, *locale_fallbacks(preferences.locale), *self._default_names)
        name = next(filter(self._files.__contains__, names))
        values = self._app.template_values(
            code.digits, whole_minutes(lifetime), preferences.app_hash
        )
        return self._files[name].templates.render(preferences.platform, values)

    def has_locale(self, locale: str) -> bool:
        """Return whether there are templates in this language."""
        return any(name in self._files for name in locale_fallbacks(locale))

    def previews(self) -> Iterator[tuple[TemplateFile, TemplatePreview]]:
        """Render and validate all messages that can be sent, with the longest lifetime."""
        for file in self._files.values():
            for preview in file.templates.previews(self._app, whole_minutes(OTP_TTL)):
                yield file, preview


def load_sms_templates(
    folder: Path | None, default_locale: str, app: AppIdentity
) -> FileSmsTemplates:
    """Read and validate the built-in templates and those of a folder, which replace them.

    Raises:
        InvalidTemplates: the folder or a file cannot be used, or a message violates a rule.
    """
    builtin_files, _ = _read_files(files("adapters.templates.builtin"), is_builtin=True)
    own_files, problems = _read_files(folder, is_builtin=False) if folder else ([], [])
    templates = FileSmsTemplates([*builtin_files, *own_files], default_locale, app)
    problems += _find_violations(templates)
    if problems:
        raise InvalidTemplates(problems)
    return templates


def _read_files(
    folder: Traversable, *, is_builtin: bool
) -> tuple[list[TemplateFile], list[TemplateProblem]]:
    template_files: list[TemplateFile] = []
    problems: list[TemplateProblem] = []
    for file in _list_files(folder):
        try:
            template_files.append(read_template_file(file, is_builtin=is_builtin))
        except InvalidTemplateFile as error:
            problems += (TemplateProblem(str(file), reason, is_builtin) for reason in error.args)
    return template_files, problems


def _list_files(folder: Traversable) -> list[Traversable]:
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        reason = f"it cannot be read as a folder ({error.strerror})"
        raise InvalidTemplates([TemplateProblem(str(folder), reason, is_builtin=False)]) from error
    # Editors store temporary files whose names start with a dot.
    toml_files = (
        entry for entry in entries if entry.name.endswith(SUFFIX) and not entry.name.startswith(".")
    )
    return sorted(toml_files, key=lambda file: file.name)


def _find_violations(templates: FileSmsTemplates) -> Iterator[TemplateProblem]:
    for file, preview in templates.previews():
        for rule, message in preview.violations:
            location = f"{file.location}, {preview.platform}"
            reason = f'it violates the rule "{rule}": {message}'
            yield TemplateProblem(location, reason, file.is_builtin)
