"""All the texts of one language or country."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from domain.errors import InvalidValue
from domain.otp.texts.form import Platform
from domain.otp.texts.rules import BrokenRule, Ending, broken_rules
from domain.otp.texts.template import Slot, TextTemplate, parse_template

_FOR_ALL: Final = frozenset({Slot.CODE, Slot.APP, Slot.MINUTES})
_SLOTS: Final = {
    Platform.GENERAL: _FOR_ALL,
    Platform.IOS: _FOR_ALL | {Slot.DOMAIN},
    Platform.ANDROID: _FOR_ALL | {Slot.HASH},
    Platform.WEB: _FOR_ALL | {Slot.DOMAIN},
}
_LAST_LINES: Final = {Platform.ANDROID: "{hash}", Platform.WEB: "@{domain} #{code}"}
# Two that share no run of digits: a name that holds the one cannot pass for the other.
_CODES: Final = ("012345", "987654")


@dataclass(frozen=True, slots=True)
class Names:
    """Who sends: the name of the app, the hashes of its Android builds, its website's domain."""

    app: str
    app_hashes: tuple[str, ...] = ()
    domain: str | None = None

    def app_hash(self, asked: str | None) -> str | None:
        """The hash asked for when it is on the list, otherwise the first of the list."""
        if asked in self.app_hashes:
            return asked
        return self.app_hashes[0] if self.app_hashes else None


class Filling(NamedTuple):
    """What differs from message to message."""

    code: str
    minutes: str
    app_hash: str | None = None


class Sample(NamedTuple):
    """A text as it will be sent, with a code that stands for any, and the rules it breaks."""

    platform: Platform
    text: str
    broken: tuple[BrokenRule, ...]


@dataclass(frozen=True, slots=True)
class TextSet:
    """The texts of one language or country, by platform; one for `GENERAL` is always there."""

    texts: Mapping[Platform, TextTemplate]

    def with_last_lines(self) -> "TextSet":
        """The same; platforms without a text get the general one and the line they look for."""
        general = self.texts[Platform.GENERAL]
        made = {one: general.with_line(line) for one, line in _LAST_LINES.items()}
        return TextSet({**made, **self.texts})

    def text(self, platform: Platform, names: Names, filling: Filling) -> str:
        """Write the text.

        It is the general one where the platform has none, or where its own needs a hash or a
        domain and the sender has named none.
        """
        values = {
            Slot.CODE: filling.code,
            Slot.MINUTES: filling.minutes,
            Slot.APP: names.app,
            Slot.HASH: names.app_hash(filling.app_hash) or "",
            Slot.DOMAIN: names.domain or "",
        }
        sent = platform if self._is_sent(platform, names) else Platform.GENERAL
        return self.texts[sent].filled(values)

    def samples(self, names: Names, minutes: str) -> Iterator[Sample]:
        """Write every text that can be sent under these names, and judge it with every hash."""
        for platform in Platform:
            if not self._is_sent(platform, names):
                continue
            hashes = names.app_hashes if platform is Platform.ANDROID else (None,)
            broken = {
                one.rule: one
                for code in _CODES
                for app_hash in hashes
                for one in broken_rules(
                    self.text(platform, names, Filling(code, minutes, app_hash)),
                    code,
                    self._ending(platform, names, app_hash),
                )
            }
            text = self.text(platform, names, Filling(_CODES[0], minutes))
            yield Sample(platform, text, tuple(broken.values()))

    def _is_sent(self, platform: Platform, names: Names) -> bool:
        if platform not in self.texts:
            return False
        has_hash = platform is not Platform.ANDROID or bool(names.app_hashes)
        has_domain = not self._has_domain(platform) or names.domain is not None
        return has_hash and has_domain

    def _ending(self, platform: Platform, names: Names, app_hash: str | None) -> Ending:
        return Ending(app_hash, names.domain if self._has_domain(platform) else None)

    def _has_domain(self, platform: Platform) -> bool:
        return platform is Platform.WEB or Slot.DOMAIN in self.texts[platform].slots


def parse_text(platform: Platform, words: str) -> TextTemplate:
    """Read the text of a platform.

    Raises:
        InvalidValue: it has a slot that this platform's texts cannot fill, or that nobody knows.
    """
    template = parse_template(words)
    for slot in Slot:
        if slot in template.slots - _SLOTS[platform]:
            raise InvalidValue(f"{{{slot}}} does not belong into the text for {platform}.")
    return template
