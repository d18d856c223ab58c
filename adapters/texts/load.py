from collections.abc import Iterable, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

from adapters.texts.message_texts import FileMessageTexts
from adapters.texts.text_file import SUFFIX, FileRefused, TextFile, read_text_file
from application.ports.errors import ConfigurationError
from domain.otp.texts.text_set import Names


class Problem(NamedTuple):
    """What is wrong with a text: `place` names file and platform."""

    place: str
    reason: str
    is_shipped: bool


class TextsRefused(ConfigurationError):
    """Texts cannot be sent as they are; `problems` names each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{one.place}: {one.reason}" for one in problems))
        self.problems = problems


def load_message_texts(folder: Path | None, default_locale: str, names: Names) -> FileMessageTexts:
    """Read the shipped texts and the folder's, which count more, and judge all of them.

    Raises:
        TextsRefused: the folder or a file cannot be used, or a text breaks a rule.
    """
    shipped, _ = _read(files("adapters.texts.shipped"), is_shipped=True)
    own, problems = _read(folder, is_shipped=False) if folder else ([], [])
    texts = FileMessageTexts([*shipped, *own], default_locale, names)
    problems += _broken(texts)
    if problems:
        raise TextsRefused(problems)
    return texts


def _read(folder: Traversable, *, is_shipped: bool) -> tuple[list[TextFile], list[Problem]]:
    read: list[TextFile] = []
    problems: list[Problem] = []
    for file in _files(folder):
        try:
            read.append(read_text_file(file, is_shipped=is_shipped))
        except FileRefused as error:
            problems += (Problem(str(file), reason, is_shipped) for reason in error.args)
    return read, problems


def _files(folder: Traversable) -> Iterable[Traversable]:
    try:
        found = list(folder.iterdir())
    except OSError as error:
        reason = f"it cannot be read as a folder ({error.strerror})"
        raise TextsRefused([Problem(str(folder), reason, is_shipped=False)]) from error
    # Editors keep their own files beside, with a dot in front.
    texts = (one for one in found if one.name.endswith(SUFFIX) and not one.name.startswith("."))
    return sorted(texts, key=lambda file: file.name)


def _broken(texts: FileMessageTexts) -> Iterable[Problem]:
    for file, sample in texts.judged():
        for rule, sentence in sample.broken:
            place = f"{file.place}, {sample.platform}"
            yield Problem(place, f'it breaks the rule "{rule}": {sentence}', file.is_shipped)
