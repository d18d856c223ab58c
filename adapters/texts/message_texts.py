from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from adapters.texts.text_file import TextFile
from application.ports.message_texts import WantedText
from domain.otp.challenge import OTP_TTL
from domain.otp.texts.locales import locale_chain
from domain.otp.texts.template import minutes_of
from domain.otp.texts.text_set import Filling, Names, Sample, TextSet

LAST_RESORT: Final = "en"


class JudgedText(NamedTuple):
    """A text that may be sent, and the file that it is from."""

    file: TextFile
    sample: Sample


class FileMessageTexts:
    """Texts out of files; of two files with one name the later counts."""

    def __init__(self, files: Sequence[TextFile], default_locale: str, names: Names) -> None:
        self._files = {file.name: file for file in files}
        self._default = (*locale_chain(default_locale), LAST_RESORT)
        self._names = names

    def text(self, wanted: WantedText) -> str:
        """Write the text."""
        filling = Filling(wanted.code.digits, minutes_of(wanted.lifetime), wanted.form.app_hash)
        return self._texts(wanted).text(wanted.form.platform, self._names, filling)

    def speaks(self, locale: str) -> bool:
        """Whether there are texts in this language."""
        return any(name in self._files for name in locale_chain(locale))

    def judged(self) -> Iterator[JudgedText]:
        """Write every text that can be sent, with the longest lifetime, and judge it."""
        minutes = minutes_of(OTP_TTL)
        for file in self._files.values():
            for sample in file.texts.samples(self._names, minutes):
                yield JudgedText(file, sample)

    def _texts(self, wanted: WantedText) -> TextSet:
        # A country is named in capitals and a language is not: neither passes for the other.
        names = (wanted.country, *locale_chain(wanted.form.locale), *self._default)
        return next(self._files[name].texts for name in names if name in self._files)
