"""SMS templates from files, and their validation at start."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final, NamedTuple

from adapters.messages.templates.rules import validate_notice
from adapters.messages.templates.template import whole_minutes
from adapters.messages.templates.template_file import (
    SUFFIX,
    InvalidTemplateFile,
    TemplateFile,
    read_template_file,
)
from adapters.messages.templates.template_set import AppIdentity, TemplatePreview
from application.ports.errors import ConfigurationError
from application.ports.otp import CodeMessage, NoticeMessage
from domain.identities.phone_change import PhoneNotice
from domain.otp.challenge import OTP_TTL, OtpCode, Purpose
from domain.otp.messages import (
    MessagePreferences,
    Platform,
    locale_fallbacks,
    normalize_locale,
)

FALLBACK_LOCALE: Final = "en"
WARNING_INTERVAL: Final = 3600.0
"""Seconds between two warnings of a process that a setting is missing."""

_log = logging.getLogger(__name__)


class TemplateProblem(NamedTuple):
    """Why a template cannot be used; `location` names the file and, if known, the message."""

    location: str
    reason: str
    is_builtin: bool


class InvalidTemplates(ConfigurationError):
    """Templates that cannot be used; `problems` lists all of them."""

    def __init__(self, problems: Sequence[TemplateProblem]) -> None:
        super().__init__("; ".join(f"{problem.location}: {problem.reason}" for problem in problems))
        self.problems = problems


class FileSmsTemplates:
    """Templates from files; of two files with the same name the later one is used.

    A message that the later one lacks is taken from the earlier one, and a message that both lack
    from the next name.

    A warning says which setting is missing for a client that reads the code from the message: its
    message goes out without the last line, and nothing else would show that.
    """

    def __init__(
        self,
        template_files: Sequence[TemplateFile],
        default_locale: str,
        app: AppIdentity,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take files that include one with all messages for `FALLBACK_LOCALE`, and a clock."""
        self._files = {
            (file.name, message): file for file in template_files for message in file.messages
        }
        self._unused_tables = [
            f"{file.location}, [{table}]: {reason}"
            for file in template_files
            for table, reason in file.unused_tables.items()
        ]
        self._default_names = (*locale_fallbacks(default_locale), FALLBACK_LOCALE)
        self._app = app
        self._monotonic = monotonic
        self._next_warning_at: dict[str, float] = {}

    def render(
        self,
        code: OtpCode,
        *,
        lifetime: timedelta,
        country: str,
        preferences: MessagePreferences,
        purpose: Purpose = Purpose.SIGN_IN,
    ) -> CodeMessage:
        self._warn_of_missing_settings(preferences)
        file = self._select(purpose, country, preferences.locale)
        values = self._app.template_values(
            code.digits, whole_minutes(lifetime), preferences.app_hash
        )
        return CodeMessage(
            text=file.templates[purpose].render(preferences.platform, values),
            locale=file.locale,
            requested_locale=normalize_locale(preferences.locale),
            code=code.digits,
            purpose=purpose,
            lifetime=lifetime,
        )

    def render_notice(self, notice: PhoneNotice, *, country: str) -> NoticeMessage:
        file = self._select(notice, country)
        return NoticeMessage(
            text=self._render_notice(file.notices[notice]),
            locale=file.locale,
            notice=notice.value,
        )

    def has_locale(self, locale: str) -> bool:
        return any((name, Purpose.SIGN_IN) in self._files for name in locale_fallbacks(locale))

    def previews(self) -> Iterator[tuple[TemplateFile, Purpose | PhoneNotice, TemplatePreview]]:
        """Render and validate all messages that can be sent, with the longest lifetime.

        Those of the operator's own files come first.
        """
        files = sorted(self._files.items(), key=lambda each: each[1].is_builtin)
        for (_, message), file in files:
            if isinstance(message, PhoneNotice):
                yield file, message, self._preview_notice(file.notices[message])
            else:
                minutes = whole_minutes(OTP_TTL)
                for preview in file.templates[message].previews(self._app, minutes):
                    yield file, message, preview

    @property
    def unused_tables(self) -> Sequence[str]:
        return self._unused_tables

    def incomplete_country_files(self) -> list[TemplateFile]:
        files_to_sign_in = (
            file for (_, message), file in self._files.items() if message is Purpose.SIGN_IN
        )
        return [file for file in files_to_sign_in if file.is_for_country and file.missing_tables]

    def _warn_of_missing_settings(self, preferences: MessagePreferences) -> None:
        if preferences.app_hash and not self._app.app_hashes:
            self._warn(
                "DIALTONE_ANDROID_HASH",
                "an app sent app_hash with a request for a code, but no phone with Android can fill"
                " in a code without this setting: set it to the hash of the app",
            )
        if preferences.platform is Platform.WEB and self._app.domain is None:
            self._warn(
                "DIALTONE_WEB_DOMAIN",
                "a website requested a code with the platform web, but no browser can fill in a"
                " code without this setting: set it to the domain of the website",
            )

    def _warn(self, setting: str, reason: str) -> None:
        now = self._monotonic()
        if now >= self._next_warning_at.get(setting, now):
            self._next_warning_at[setting] = now + WARNING_INTERVAL
            _log.warning({"event": "setting_missing", "setting": setting, "reason": reason})

    def _select(
        self, message: Purpose | PhoneNotice, country: str, locale: str | None = None
    ) -> TemplateFile:
        # Countries are upper case and languages lower case: their names never collide.
        names = (country, *locale_fallbacks(locale), *self._default_names)
        name = next(name for name in names if (name, message) in self._files)
        return self._files[name, message]

    def _preview_notice(self, template: str) -> TemplatePreview:
        text = self._render_notice(template)
        violations = tuple(validate_notice(text, self._app.name))
        return TemplatePreview(Platform.GENERAL, text, violations)

    def _render_notice(self, template: str) -> str:
        return template.format(app=self._app.name)


def read_sms_templates(
    folder: Path | None, default_locale: str, app: AppIdentity
) -> FileSmsTemplates:
    """Read and validate the built-in templates and those of a folder, which replace them.

    Raises:
        InvalidTemplates: the folder or a file cannot be used, or a message violates a rule.
    """
    builtin_files, _ = _read_files(files("adapters.messages.templates.builtin"), is_builtin=True)
    builtin_files = [_fit_tables(file, app) for file in builtin_files]
    own_files, problems = _read_files(folder, is_builtin=False) if folder else ([], [])
    templates = FileSmsTemplates([*builtin_files, *own_files], default_locale, app)
    problems += _find_violations(templates)
    if problems:
        raise InvalidTemplates(problems)
    return templates


def _fit_tables(file: TemplateFile, app: AppIdentity) -> TemplateFile:
    """Return a built-in file whose tables send the general text if another one is too long.

    Operators with a long app name may have own files, without tables, for all languages whose
    built-in messages to sign in are too long. These files stay valid.
    """
    minutes = whole_minutes(OTP_TTL)
    templates = {
        purpose: texts if purpose is Purpose.SIGN_IN else texts.without_violations(app, minutes)
        for purpose, texts in file.templates.items()
    }
    return replace(file, templates=templates)


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
    for file, message, preview in templates.previews():
        table = "" if message is Purpose.SIGN_IN else f"[{message}] "
        location = f"{file.location}, {table}{preview.platform}"
        for rule, explanation in preview.violations:
            reason = f'it violates the rule "{rule}": {explanation}'
            yield TemplateProblem(location, reason, file.is_builtin)
