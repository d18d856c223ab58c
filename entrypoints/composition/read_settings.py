"""Reading settings from the environment and `.env`, and showing them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NamedTuple

from domain.errors import InvalidValue
from entrypoints.composition.checks import find_problems, unused_variables
from entrypoints.composition.features import FEATURES
from entrypoints.composition.otp import OTP
from entrypoints.composition.secret_files import SecretFiles, read_file_of, read_secret_files
from entrypoints.composition.settings import FIELDS, VARIABLES, AllSettings
from entrypoints.settings.declaration import PREFIX, Declaration
from entrypoints.settings.env_file import NO_FILE, read_env_file
from entrypoints.settings.rules import Problem
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import SettingsError, StartupError
from entrypoints.settings.values import HttpHook, PrivateUrl, Secret, Variables

_TWO_SECRETS: Final = "Write both secrets in {}, with a comma between."
_SECONDARY: Final = {
    f"{name}_SECONDARY{suffix}": _TWO_SECRETS.format(name)
    for name in ("TWILIO_AUTH_TOKEN", "VONAGE_SIGNATURE_SECRET", "WHATSAPP_APP_SECRET")
    for suffix in ("", "_FILE")
}
_NO_AMOUNTS: Final = (
    "Nothing is counted in money. The end of a bill is the limit of all messages, see "
    "DIALTONE_SMS_LIMIT_ALL_FACTOR, and the cap of your provider, see docs/messages.md."
)
REMOVED: Final[Mapping[str, str]] = {
    **_SECONDARY,  # until 0.4
    "DIALTONE_BUDGET_PER_COUNTRY": _NO_AMOUNTS,  # until 0.4
    "DIALTONE_BUDGET_PER_DAY": _NO_AMOUNTS,  # until 0.4
    "DIALTONE_CALL_FLOW": (  # until 0.4
        "The phone line has one menu, and its texts and words can be replaced: see "
        "DIALTONE_CALL_TEXTS."
    ),
    "DIALTONE_DATABASE_URL_FILE": "Write its path into DIALTONE_DATABASE_FILE.",  # until 0.4
    "DIALTONE_LIMIT_STORE_FILE": (  # until 0.4
        "Write package.module:factory into DIALTONE_LIMIT_STORE: it is no secret. Limits in Redis "
        "were removed."
    ),
    "DIALTONE_PRICES": _NO_AMOUNTS,  # until 0.4
    "DIALTONE_TOLL_FREE_NUMBERS": (  # until 0.4
        "Toll-free numbers get no codes, because fraudsters earn money with calls to them. One for "
        "testing can be in DIALTONE_TEST_OTPS."
    ),
}
"""Replacements of former variables. A variable stays here for two minor versions."""


_OF_KUBERNETES: Final = re.compile(r"DIALTONE_(?:PORT|PORT_.+|SERVICE_.+)")
"""https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables"""


class ShownSetting(NamedTuple):
    """A variable, its value without secrets, and its origin: default, environment or .env."""

    name: str
    shown: str
    origin: str
    is_default: bool


def read_settings(
    environ: Mapping[str, str], env_file: Path | None, *, checks_files: bool = False
) -> Settings:
    """Read and check all settings; `settings.of` has those of a feature.

    - The environment overrides `.env`.
    - A variable that is empty, or has only spaces, is not set.
    - Spaces around a value are removed.

    Raises:
        SettingsError: with all problems: those of `.env`, those of the settings, those of the files
            that they name, those of settings that were removed, and then the names that are not
            settings. Without another problem such a name is only a warning.
    """
    in_file = read_env_file(env_file) if env_file else NO_FILE
    problems = [*in_file.problems]
    file_values, environment = _without_empty(in_file.values), _without_empty(environ)
    values = {**file_values, **environment}
    texts, files, unread = read_secret_files(values)
    from_env_file = frozenset(file_values.keys() - environment.keys())
    variables = Variables(
        {**values, **texts}, from_env_file, files, in_file.repeated, in_file.is_public
    )
    valid, invalid = _read_fields(variables, unread)
    empty = {each.field: each.unset for each in FIELDS.values()}
    settings = AllSettings(**(empty | valid), variables=variables)
    for problem in find_problems(settings, valid):
        invalid.setdefault(problem.variable, problem)
    for name in FIELDS:
        if name in unread or name in invalid:
            variable, text = unread.get(name) or _explain(variables, invalid[name])
            place = " (in .env)" if variable in from_env_file else ""
            problems.append(f"{variable}{place}: {text}")
    for openable in (OTP, *FEATURES) if checks_files else ():
        if {*openable.files_read} <= valid.keys():
            try:
                openable.check_files(settings)
            except StartupError as error:
                problems.append(str(error))
    for name in sorted(values.keys() & REMOVED):
        place = " (in .env)" if name in from_env_file else ""
        problems.append(f"{name}{place}: This setting was removed. {REMOVED[name]}")
    if problems:
        raise SettingsError("\n".join([*problems, *list_mistakes(variables)]))
    return settings


def find_text(variables: Variables, name: str) -> str:
    """Return the text of a variable that a command names, or of its file; empty without one.

    Raises:
        SettingsError: Both are set, or the file cannot be used.
    """
    unknown = Declaration("", variable=name, file_variable=f"{name}_FILE")
    read = SecretFiles({}, {}, {})
    if name not in variables.files:
        read_file_of(FIELDS.get(name, unknown), variables.values, read)
    if wrong := read.problems.get(name):
        raise SettingsError(": ".join(wrong))
    text = {**variables.values, **read.texts}.get(name, "").strip()
    try:
        _check_text(text)
    except InvalidValue as error:
        raise SettingsError(f"{name}: {error.message}") from None
    return text


def describe_settings(settings: Settings) -> list[ShownSetting]:
    """Describe each variable, in the order of the class."""
    variables, shown = settings.variables, []
    unused = unused_variables(variables.values)
    known = {each.field: getattr(settings, each.field) for each in FIELDS.values()}
    known["is_set"] = settings.is_set
    for name, declaration in FIELDS.items():
        default, origin = declaration.default_text(known) or "", "default"
        text = default
        if name in variables.values:
            of_env_file = settings.variable_of(name) in variables.from_env_file
            origin = ".env" if of_env_file else "environment"
            text = _show(getattr(settings, declaration.field), variables.values[name].strip())
            if name in unused:
                text = "(not used)"
            elif name in variables.files:
                text += f" (file {variables.files[name].path})"
        is_default = name in unused or text == default
        shown.append(ShownSetting(name, text, origin, is_default))
    return shown


def find_unknown(names: Iterable[str]) -> dict[str, str | None]:
    """Return each name with our prefix that is not a setting, and a setting with a similar name."""
    # Without the prefix, which would make any two names similar.
    short_names = {known.removeprefix(PREFIX): known for known in VARIABLES}
    unknown = {}
    for name in sorted({*names} - REMOVED.keys()):
        short_name = name.upper().removeprefix(PREFIX)
        is_ours = name.upper().startswith(PREFIX) and not _OF_KUBERNETES.fullmatch(name)
        if is_ours and name not in VARIABLES:
            similar = get_close_matches(short_name, short_names, n=1, cutoff=0.7)
            unknown[name] = short_names[similar[0]] if similar else None
    return unknown


def list_mistakes(variables: Variables) -> Iterator[str]:
    """Yield a line for each variable that is not a setting, or that `.env` has more than once."""
    for name, similar in find_unknown(variables.values).items():
        advice = f"Did you mean {similar}?" if similar else "Remove it."
        yield f"{name}: This is not a setting. {advice}"
    for name, lines in variables.repeated.items():
        yield f"{name} (in .env): The lines {name_lines(lines)} set it, and the last one counts."


def find_exposed_secrets(settings: Settings) -> list[str]:
    """Return the variables whose secrets every user of the machine can read in `.env`."""
    variables = settings.variables
    if not variables.is_env_file_public:
        return []
    return [
        name
        for name, declaration in FIELDS.items()
        if name in variables.from_env_file and _has_secret(getattr(settings, declaration.field))
    ]


def name_lines(numbers: Sequence[int]) -> str:
    """Return these numbers of lines, in words."""
    *others, last = map(str, numbers)
    return f"{', '.join(others)} and {last}"


def _without_empty(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value.strip()}


def _read_fields(
    variables: Variables, unread: Mapping[str, object]
) -> tuple[dict[str, Any], dict[str, Problem]]:
    """Return the values of the valid fields, and the problem of each variable that is not valid."""
    valid, problems = dict[str, Any](), dict[str, Problem]()
    unused = unused_variables(variables.values)
    known: dict[str, Any] = {"is_set": variables.values.__contains__}
    for name, declaration in FIELDS.items():
        if name in unread:
            continue
        text = "" if name in unused else variables.values.get(name, "").strip()
        try:
            _check_text(text)
            if not text.isprintable() and not declaration.has_lines:
                raise InvalidValue("Must not contain unprintable characters.")
            known_text = text or declaration.default_text(known)
            if known_text is None:
                continue
            value = declaration.reader.read(known_text) if known_text else declaration.unset
        except InvalidValue as error:
            problems[name] = Problem(name, error.message)
        else:
            valid[declaration.field] = known[declaration.field] = value
    return valid, problems


def _explain(variables: Variables, problem: Problem) -> tuple[str, str]:
    """Return the variable that is wrong, which may name a file, and the problem with an example."""
    name, text, example = problem
    if example is None:
        example = FIELDS[name].example_text
    file = variables.files.get(name)
    if file is None:
        return name, f"{text} Example: {name}={example}"
    # A command of the shell is not what the file contains.
    label = "Example: echo" if "$(" in example else "Example of its text:"
    return file.variable, f"In {file.path}: {text} {label} {example}"


def _check_text(text: str) -> None:
    """Check that the text is not what another program made of the value, or of no value."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        raise InvalidValue(
            "Must not be in quotes: the shell and .env remove them, but `docker --env-file` and "
            "some other programs keep them."
        )
    if text.lower() == "null" or text == "None":
        raise InvalidValue(
            "Must not be the null or None of another program: leave the variable out, or set it to "
            "a value."
        )


def _has_secret(value: object) -> bool:
    values = value if isinstance(value, tuple) else (value,)
    # The path of a hook may be one.
    return any(
        isinstance(each, Secret | HttpHook) or (isinstance(each, PrivateUrl) and "@" in each.url)
        for each in values
    )


def _show(value: object, text: str) -> str:
    """Return the text of a value without its secrets, which have types of their own."""
    values = value if isinstance(value, tuple) else (value,)
    has_secrets = any(isinstance(each, Secret | PrivateUrl) for each in values)
    return ",".join(map(str, values)) if has_secrets else text
