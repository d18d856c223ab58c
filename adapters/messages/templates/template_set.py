"""The templates of one language or country, and the selection for a message."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from adapters.messages.templates.rules import RuleViolation, validate_template
from adapters.messages.templates.template import TemplateValues, parse_template
from domain.otp.challenge import DEFAULT_OTP_LENGTH
from domain.otp.messages import Platform

# None for iOS: with a domain line, iPhones fill in the code only on that domain and in the apps
# that are associated with it.
_DEFAULT_LAST_LINES: Final = {Platform.ANDROID: "{hash}", Platform.WEB: "@{domain} #{code}"}
# Two codes without a common run of digits: a name that contains one cannot pass for the other.
_PREVIEW_CODES: Final = ("01234567", "98765432")


@dataclass(frozen=True, slots=True)
class AppIdentity:
    """The app in whose name messages are sent.

    Attributes:
        app_hashes: The hashes of its Android builds; the first is the default.
    """

    name: str
    app_hashes: tuple[str, ...] = ()
    domain: str | None = None
    otp_length: int = DEFAULT_OTP_LENGTH

    def template_values(
        self, code: str, minutes: int, app_hash: str | None = None
    ) -> TemplateValues:
        """Return the values of a message; an unknown `app_hash` is replaced by the default."""
        if app_hash not in self.app_hashes:
            app_hash = next(iter(self.app_hashes), None)
        return TemplateValues(code, self.name, minutes, app_hash, self.domain)


class TemplatePreview(NamedTuple):
    """A message with an example code, and all rules that the template violates."""

    platform: Platform
    text: str
    violations: tuple[RuleViolation, ...]


@dataclass(frozen=True, slots=True)
class TemplateSet:
    """The templates of one language or country; there is always one for `GENERAL`."""

    templates: Mapping[Platform, str]

    def with_platform_defaults(self) -> "TemplateSet":
        """Add the missing templates: the general one with the last line of the platform."""
        general = self.templates[Platform.GENERAL]
        defaults = {
            platform: parse_template(platform, f"{general}\n{last_line}")
            for platform, last_line in _DEFAULT_LAST_LINES.items()
        }
        return TemplateSet({**defaults, **self.templates})

    def without_violations(self, app: AppIdentity, minutes: int) -> "TemplateSet":
        """Leave out the templates that violate a rule with this app, but never the general one."""
        invalid = {
            preview.platform for preview in self.previews(app, minutes) if preview.violations
        }
        kept = {
            platform: template
            for platform, template in self.templates.items()
            if platform is Platform.GENERAL or platform not in invalid
        }
        return TemplateSet(kept)

    def render(self, platform: Platform, values: TemplateValues) -> str:
        """Render the message for a platform.

        The general template is used if the platform has no template, or if its template needs an
        app hash or a domain that is missing.
        """
        if platform is not Platform.GENERAL and not self._is_available(platform, values):
            platform = Platform.GENERAL
        return self.templates[platform].format(**values._asdict())

    def previews(self, app: AppIdentity, minutes: int) -> Iterator[TemplatePreview]:
        codes = [code[: app.otp_length] for code in _PREVIEW_CODES]
        for platform in Platform:
            example = app.template_values(codes[0], minutes)
            if not self._is_available(platform, example):
                continue
            app_hashes = app.app_hashes if platform is Platform.ANDROID else (None,)
            violations = {
                violation.rule: violation
                for code in codes
                for app_hash in app_hashes
                for violation in self._validate(
                    platform, app.template_values(code, minutes, app_hash)
                )
            }
            text = self.render(platform, example)
            yield TemplatePreview(platform, text, tuple(violations.values()))

    def _validate(self, platform: Platform, values: TemplateValues) -> Iterator[RuleViolation]:
        return validate_template(
            self.render(platform, values),
            values.code,
            app_hash=values.hash if platform is Platform.ANDROID else None,
            domain=values.domain if self._needs_domain(platform) else None,
        )

    def _is_available(self, platform: Platform, values: TemplateValues) -> bool:
        if platform not in self.templates:
            return False
        has_hash = platform is not Platform.ANDROID or values.hash is not None
        has_domain = not self._needs_domain(platform) or values.domain is not None
        return has_hash and has_domain

    def _needs_domain(self, platform: Platform) -> bool:
        return platform is Platform.WEB or "{domain}" in self.templates[platform]
