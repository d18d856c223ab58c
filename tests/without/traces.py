"""What the help, the settings and the description may not have of a feature that is deleted."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from entrypoints.composition.features import FEATURES
from entrypoints.composition.openapi import describe_features
from entrypoints.features.feature import Feature
from entrypoints.settings.declaration import declared
from entrypoints.settings.settings import Settings

WORDS: Final[Mapping[str, str]] = {
    "app_data": r"\bapp[-_ ]data\b",
    "admin": r"/admin\b|admin-token|service tokens?|users:list|user list",
    "attestation": r"attest|altcha|turnstile|captcha",
    "console": r"web console|/console",
    "events": r"DIALTONE_EVENTS?\b|destination",
    "export": r"\bexports?\b",
    "imports": r"\bimport(?:s|ed)?\b",
    "legacy_otp": r"legacy|/authenticate|exit_code",
    "login_hook": r"login[ _]hook",
    "media": r"librar(?:y|ies)|\bmedia\b|uploads?\b|\bimages?\b|\bS3\b|pictures?|thumbnail|pixels",
    "passkeys": r"passkey",
    "phone_change": r"chang(?:e|es|ed|ing) (?:of )?(?:the|a) number",
    "blocks": r"/admin/blocks|dialtone block\b|blocks:(?:read|write)",
    "staff_passkeys": r"passkey-invite|STAFF_PASSKEYS|console_passkey|passkey_required",
    "start": r"first page|/start\b",
    "statistics": r"statistic",
    "tracing": r"OTEL_|opentelemetry|OTLP|\btrac(?:es?|ing)\b",
    "whatsapp": r"whatsapp",
    "voice": r"\bvoice|\bcall(?:s|ed|back)?\b|recording|phone line",
}
"""Words of each feature, as a regular expression that ignores case."""
STAY: Final[Mapping[str, str]] = {
    # The error 415, and a field of the audit, whose entries outlive the library.
    "media": r"unsupported(?: |_)media(?: |_)type|item of the library that it was done to",
    # The time of an import outlives it.
    "imports": r"when an import made it",
    # Acts in the audit, whose entries outlive passkeys; and how sessions were opened.
    "passkeys": r"[\"`](?:add|invite|remove)_passkey[\"`]|by a code \(`otp`\) or a `passkey`",
    # An act in the audit, whose entries outlive exports.
    "export": r"[\"`]export[\"`]",
    # The core knows the channel, and rejects it where nothing sends such messages; what it counted
    # outlives WhatsApp.
    "whatsapp": r"[\"`]whatsapp[\"`]",
    # The core knows the channel, and rejects it where nothing places calls; what it counted and
    # what callers agreed to outlive the phone line. The rest are other meanings of the word.
    "voice": (
        r"(?:another system|the audit|the log of today \(UTC\)) calls|called back|nobody is called"
        r"|calls to them|\"voice\"|`voice`|places no calls|read out in a call|time of the call"
        r"|a call is delivered|joined by a call|(?:codes?|messages?)(?: \(`sms`, the default\))?,?"
        r" (?:and|or) (?:a )?calls?|requests for a code, and calls|calls without a code"
    ),
}
"""What the core has in any case, in the same form."""
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
    left = [feature for feature in FEATURES if feature.name not in features]
    for kind, expected in _names(describe_features(left)).items():
        found = _names(surface.description)[kind]
        yield from (f"description: {kind} {name} is there" for name in sorted(found - expected))
        yield from (f"description: {kind} {name} is missing" for name in sorted(expected - found))
    expected = _variables(left)
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
        stay = re.compile(STAY.get(name, r"(?!)"), re.IGNORECASE)
        for title, text in texts.items():
            for line in text.splitlines():
                rest = stay.sub("", line)
                if match := pattern.search(rest):
                    yield f"{title}: {match[0]!r} of {name} in: {_excerpt(line, match[0])}"


def _excerpt(line: str, word: str) -> str:
    start = max(0, line.find(word) - 60)
    return line[start : start + 160].strip()


def _variables(features: Iterable[Feature]) -> set[str]:
    settings: list[type[Settings]] = [Settings]
    settings += [each.settings for each in features if each.settings is not None]
    return {name for each in settings for name in declared(each)}


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
