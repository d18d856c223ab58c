"""Reading settings from the environment and `.env`, and showing them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from enum import StrEnum
from itertools import chain, starmap
from pathlib import Path
from typing import Any, Final, NamedTuple

from domain.errors import InvalidValue
from entrypoints.settings.checks import (
    NOT_IMPLEMENTED,
    check_combinations,
    check_production,
    unused_variables,
)
from entrypoints.settings.declaration import Declaration, declarations
from entrypoints.settings.env_file import read_env_file
from entrypoints.settings.settings import Settings, Variables
from entrypoints.settings.values import Secret
from entrypoints.startup_error import StartupError

PREFIX: Final = "DIALTONE_"
HIDDEN: Final = "(hidden)"

FIELDS: Final[Mapping[str, tuple[str, Declaration]]] = declarations(Settings)
"""Each variable's field: its name and its declaration."""

# Credentials in a URL: before its hosts, and in MongoDB's options.
_LOGIN: Final = re.compile(r"(?<=://)[^/?#]*@")
_SECRET_OPTION: Final = re.compile(
    r"(?<=[?&;])(?P<name>[^=&;]*(?:pass|propert|secret|token|user)[^=&;]*)=[^&;]*", re.IGNORECASE
)

_SIMILARITY: Final = 0.85
_VENDORS: Final = ("AWS_", "TWILIO_")
_VENDOR_SIMILARITY: Final = 0.7
"""As of TWILIO_SID and TWILIO_ACCOUNT_SID."""
_NAMES_OF_VENDORS: Final = frozenset({"TWILIO_API_KEY", "TWILIO_API_SECRET"})
"""Variables of other programs that are similar to ours."""

_EXAMPLE_FILE_HEAD: Final = """\
# All settings with their defaults. Copy this file to .env, and remove the # before a setting to
# change it. An empty value means "not set". The environment overrides this file.
"""


class SettingsError(StartupError):
    """Invalid settings: one line for each problem, none of which contains a value."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Join the lines."""
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class Origin(StrEnum):
    """Where a value comes from."""

    DEFAULT = "default"
    ENVIRONMENT = "environment"
    ENV_FILE = ".env"


class Description(NamedTuple):
    """A variable, its value without secrets, and where the value comes from."""

    name: str
    shown: str
    origin: Origin


def read_settings(environ: Mapping[str, str], env_file: Path | None) -> Settings:
    """Read and check all settings.

    - The environment overrides `.env`.
    - A variable that is empty, or has only spaces, is not set.
    - Spaces around a value are removed.

    Raises:
        SettingsError: with all problems: those of the file, those of the settings, and then the
            names that are not settings. Without another problem such a name is only a warning.
    """
    file = read_env_file(env_file)
    file_values, environment = _without_empty(file.values), _without_empty(environ)
    values = {**file_values, **environment}
    variables = Variables(
        values=values,
        from_env_file=frozenset(file_values.keys() - environment.keys()),
        unknown=dict(_find_unknown(values)),
    )
    settings, problems = _parse(variables)
    for name, problem in chain(check_combinations(settings), check_production(settings)):
        problems.setdefault(name, f"{problem} {_example(name)}")
    problems |= {
        name: f"Not implemented in this version: remove it. {behavior}"
        for name, behavior in NOT_IMPLEMENTED.items()
        if name in values
    }
    if file.problems or problems:
        unknown = starmap(unknown_line, variables.unknown.items())
        raise SettingsError([*file.problems, *_lines(problems, variables), *unknown])
    return settings


def describe(settings: Settings) -> list[Description]:
    """Describe each variable, in the order of the class; secrets are hidden."""
    return [_describe(variable, settings) for variable in FIELDS]


def render_example_file() -> str:
    """Render `.env.example`; a copy of it changes nothing."""
    entries = (
        f"# {declaration.description}\n#{variable}={declaration.default}\n"
        for variable, (_, declaration) in FIELDS.items()
    )
    return "\n".join((_EXAMPLE_FILE_HEAD, *entries))


def _without_empty(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value.strip()}


def _parse(variables: Variables) -> tuple[Settings, dict[str, str]]:
    """Parse each variable; one with an error has its default in the settings returned.

    So the checks between settings run, and report their problems too, after such an error.
    """
    texts = {name: value.strip() for name, value in variables.values.items() if name in FIELDS}
    for name in unused_variables(texts):
        texts.pop(name, None)
    values: dict[str, Any] = {}
    problems = {}
    for name, (field_name, declaration) in FIELDS.items():
        values[field_name] = _default(declaration, values)
        if name in texts:
            try:
                values[field_name] = _parse_text(declaration, texts[name])
            except InvalidValue as error:
                problems[name] = f"{error.message} {_example(name, texts[name])}"
    return Settings(**values, variables=variables), problems


def _parse_text(declaration: Declaration, text: str) -> Any:
    # A document may have several lines.
    if not text.isprintable() and declaration.variable != "DIALTONE_SECRETS":
        raise InvalidValue("Must not contain unprintable characters.")
    return declaration.parse(text)


def _default(declaration: Declaration, earlier: Mapping[str, Any]) -> Any:
    if declaration.derive is not None:
        return declaration.derive(earlier)
    return declaration.parse(declaration.default) if declaration.default else declaration.unset


def _lines(problems: Mapping[str, str], variables: Variables) -> Iterable[str]:
    for name in (*FIELDS, *NOT_IMPLEMENTED):
        if name in problems:
            place = " (in .env)" if name in variables.from_env_file else ""
            yield f"{name}{place}: {problems[name]}"


def unknown_line(name: str, similar: str | None) -> str:
    """Return the line about a name that is not a setting."""
    advice = "Remove it." if similar is None else f"Did you mean {similar}?"
    return f"{name}: This is not a setting. {advice}"


def _example(name: str, text: str = "") -> str:
    """Return the example with the scheme of the text, like sqlite:, or the first example."""
    examples = FIELDS[name][1].examples
    scheme = text.partition(":")[0]
    similar = (example for example in examples if example.partition(":")[0] == scheme)
    return f"Example: {name}={next(similar, examples[0])}"


def _find_unknown(values: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Yield each name that was probably meant for a setting, and the setting.

    Only Dialtone has names with our prefix. Other names are those of other programs, unless the
    most similar setting is one that is used and not set.
    """
    used = FIELDS.keys() - set(unused_variables(values))
    for name in sorted(values.keys() - FIELDS.keys() - NOT_IMPLEMENTED.keys()):
        if name.upper().startswith(PREFIX):
            yield name, _find_similar(name)
        elif name not in _NAMES_OF_VENDORS:
            vendor = next(filter(name.upper().startswith, _VENDORS), "")
            names = [known for known in used if known.startswith(vendor)]
            cutoff = _VENDOR_SIMILARITY if vendor else _SIMILARITY
            for similar in get_close_matches(name.upper(), names, n=1, cutoff=cutoff):
                if similar not in values:
                    yield name, similar


def _find_similar(name: str) -> str | None:
    short_name = name.upper().removeprefix(PREFIX)
    if short_name in FIELDS:
        return short_name  # a vendor's variable, which has no prefix
    # The prefix is removed, because it would make any two names similar.
    short_names = {
        known.removeprefix(PREFIX): known
        for known in (*FIELDS, *NOT_IMPLEMENTED)
        if known.startswith(PREFIX)
    }
    similar = get_close_matches(short_name, short_names, n=1)
    return short_names[similar[0]] if similar else None


def _describe(variable: str, settings: Settings) -> Description:
    variables = settings.variables
    field_name, declaration = FIELDS[variable]
    if variable not in variables.values:
        is_derived = declaration.derive is not None
        default = (getattr(settings, field_name) or "") if is_derived else declaration.default
        return Description(variable, default, Origin.DEFAULT)
    is_secret = isinstance(declaration.unset, Secret)
    text = HIDDEN if is_secret else _hide_credentials(variables.values[variable].strip())
    is_in_file = variable in variables.from_env_file
    return Description(variable, text, Origin.ENV_FILE if is_in_file else Origin.ENVIRONMENT)


def _hide_credentials(text: str) -> str:
    printable = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )
    return _SECRET_OPTION.sub(rf"\g<name>={HIDDEN}", _LOGIN.sub(f"{HIDDEN}@", printable))
