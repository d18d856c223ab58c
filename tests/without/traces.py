"""What the help, the settings and the description may not have of a feature that is deleted."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from entrypoints.features import FEATURES
from entrypoints.settings.composition import Composition, compose
from tests.without.surface import describe

WORDS: Final[Mapping[str, str]] = {
    "admin": r"/admin\b|admin-token|service tokens?",
    "attestation": r"attest|altcha|turnstile|recaptcha|captcha",
    "console": r"web console|/console",
    "events": r"DIALTONE_EVENTS?\b|destination|outbox",
    "export": r"\bexports?\b",
    "imports": r"\bimport(?:s|ed)?\b",
    "journal": r"journal",
    "legacy_otp": r"legacy|/authenticate|exit_code",
    "media": r"librar(?:y|ies)|\bmedia\b|uploads?\b|\bimages?\b|\bitems?_|\bS3\b|thumbnail|pixels",
    "phone_change": r"undo|chang(?:e|es|ed|ing) (?:of )?(?:the|a|her|his|their) (?:number|phone)",
    "start": r"first page|client/dialtone",
    "statistics": r"statistic|\bcosts?\b|\bprices?\b",
    "voice": r"\bvoice|\bcall(?:s|ed|er|back)?\b|recording|phone line",
}
"""Words of each feature, as a regular expression that ignores case."""
STAY: Final[Mapping[str, tuple[str, ...]]] = {}
"""Texts that stay without a feature, because the core has what they say."""

_VARIABLE: Final = re.compile(r"^#(\w+)=", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Surface:
    """What clients and operators see of a tree: three texts."""

    description: Any
    help: Mapping[str, str]
    settings: str


def find_traces(surface: Surface, features: Iterable[str]) -> Iterator[str]:
    """Yield a line for each trace of features in a tree that should not have them."""
    features = sorted(features)
    for kind, expected in _names(describe(*features)).items():
        found = _names(surface.description)[kind]
        yield from (f"description: {kind} {name} is there" for name in sorted(found - expected))
        yield from (f"description: {kind} {name} is missing" for name in sorted(expected - found))
    expected = _variables(compose([it for it in FEATURES if it.name not in features]))
    found = {*_VARIABLE.findall(surface.settings)}
    yield from (f".env.example: {name} is there" for name in sorted(found - expected))
    yield from (f".env.example: {name} is missing" for name in sorted(expected - found))
    texts = {
        "description": json.dumps(surface.description, indent=1, ensure_ascii=False),
        ".env.example": surface.settings,
        **{f"{name} --help": text for name, text in surface.help.items()},
    }
    for name in features:
        pattern = re.compile(WORDS[name], re.IGNORECASE)
        for title, text in texts.items():
            for line in text.splitlines():
                rest = line
                for kept in STAY.get(name, ()):
                    rest = rest.replace(kept, "")
                if match := pattern.search(rest):
                    yield f"{title}: {match[0]!r} of {name} in: {_excerpt(line, match[0])}"


def _excerpt(line: str, word: str) -> str:
    start = max(0, line.find(word) - 60)
    return line[start : start + 160].strip()


def _variables(composition: Composition) -> set[str]:
    return {*composition.fields, *composition.file_variables.values()}


def _names(description: Any) -> Mapping[str, set[str]]:
    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
        if isinstance(operation, dict)
    }
    schemas = description["components"]["schemas"]
    return {
        "operation": {*operations},
        "operation id": {it["operationId"] for it in operations.values()},
        "tag": {tag for it in operations.values() for tag in it.get("tags", ())},
        "schema": {*schemas},
        "property": {
            f"{name}.{key}"
            for name, schema in schemas.items()
            for key in schema.get("properties", ())
        },
    }
