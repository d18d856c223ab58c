"""docs/names.md agrees with the code: its names exist, and its unused words are not used."""

import io
import re
import tokenize
from functools import cache
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("domain", "application", "adapters", "entrypoints", "pytest_dialtone", "tests")
GLOSSARY: Final = (PROJECT / "docs/names.md").read_text(encoding="utf-8")

_UNUSED_WORDS_ROW: Final = re.compile(r"^\| ((?:`[A-Za-z_]+` ?)+) \| ([^|]+) \|$", re.MULTILINE)
_TERM_ROW: Final = re.compile(r"^\| [^|]+ \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
_QUOTED: Final = re.compile(r"`([^`]+)`")
_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_WORD_BOUNDARY: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

# Each word that is not used, and the glossary's term. Words in capitals concern constants only.
TERMS: Final = {
    word: term
    for words, term in _UNUSED_WORDS_ROW.findall(GLOSSARY.partition("## Words that are not")[2])
    for word in _QUOTED.findall(words)
}
# A standard is called so: CIPA's Multi-Picture Format.
EXCEPTIONS: Final = {"multi_picture", "multi_picture_jpeg"}
_UNUSED_WORD: Final = re.compile(rf"_({'|'.join(TERMS)})(?=_)")


@cache
def source_files() -> dict[str, str]:
    files = (file for package in PACKAGES for file in (PROJECT / package).rglob("*.py"))
    return {str(file.relative_to(PROJECT)): file.read_text(encoding="utf-8") for file in files}


@cache
def unused_word(identifier: str) -> str | None:
    if identifier in EXCEPTIONS:
        return None
    words = _WORD_BOUNDARY.sub("_", identifier)
    constant = f"{words}_" if identifier.isupper() else ""
    found = _UNUSED_WORD.search(f"_{words.lower()}_{constant}")
    return found and found[1]


def identifiers(path: str, text: str) -> set[str]:
    """Return the parts of the path and, if any word of the text is unused, its identifiers."""
    parts = set(Path(path).with_suffix("").parts)
    # The words are also those in strings and comments, but a tokenizer for all files is slow.
    if not any(map(unused_word, _NAME.findall(text))):
        return parts
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return parts.union(token.string for token in tokens if token.type == tokenize.NAME)


def test_identifiers_and_file_names_have_no_unused_words() -> None:
    problems = [
        f"{path}: {name}: instead of {word!r} use {TERMS[word]}"
        for path, text in source_files().items()
        for name in identifiers(path, text)
        if (word := unused_word(name))
    ]
    assert not problems, "\n".join(sorted(problems))


def test_all_names_in_the_glossary_exist() -> None:
    names = {name for cell in _TERM_ROW.findall(GLOSSARY) for name in _QUOTED.findall(cell)}
    source = {name for text in source_files().values() for name in _NAME.findall(text)}

    missing = {name for name in names if name not in source and not (PROJECT / name).is_dir()}

    assert len(names) > 100
    assert not missing, f"not in the code: {', '.join(sorted(missing))}"
