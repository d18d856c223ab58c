"""Files of the operator that the settings name: message templates, call flow and price list."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from adapters.templates.sms_templates import FileSmsTemplates, InvalidTemplates, TemplateProblem
from adapters.templates.sms_templates import load_sms_templates as load_templates
from adapters.templates.template_set import AppIdentity
from domain.costs.prices import PriceList
from domain.otp.delivery import Channel
from domain.voice.flow import CallFlow
from entrypoints.opening.startup_error import StartupError
from entrypoints.settings.read import example_line
from entrypoints.settings.settings import Settings


def load_sms_templates(settings: Settings) -> FileSmsTemplates:
    """Load the message templates and validate each message that they can produce.

    Raises:
        StartupError: with one line for each problem.
    """
    app = AppIdentity(
        settings.app_name, settings.android_hashes, settings.web_domain, settings.otp_length
    )
    try:
        templates = load_templates(settings.sms_templates_dir, settings.default_locale, app)
    except InvalidTemplates as error:
        lines = [_template_problem(problem) for problem in error.problems]
        raise _invalid(lines, "DIALTONE_SMS_TEMPLATES_DIR", settings.sms_templates_dir) from error
    if not templates.has_locale(settings.default_locale):
        raise StartupError(
            "DIALTONE_DEFAULT_LOCALE: There are no templates in this language. Add a file to the "
            "folder in DIALTONE_SMS_TEMPLATES_DIR, or use another language. "
            "Example: DIALTONE_DEFAULT_LOCALE=en"
        )
    return templates


def load_call_flow(settings: Settings, file: Path | None = None) -> CallFlow:
    """Load the flow of inbound calls, or the one in `file`, and validate it as a whole.

    Raises:
        StartupError: with one line for each problem.
    """
    from adapters.flows import InvalidCallFlow
    from adapters.flows import load_call_flow as load_flow

    try:
        return load_flow(file or settings.call_flow, settings.app_name)
    except InvalidCallFlow as error:
        path = settings.call_flow if file is None else None
        prefix = "DIALTONE_CALL_FLOW: " if path else ""
        lines = [f"{prefix}{line}." for line in error.lines]
        raise _invalid(lines, "DIALTONE_CALL_FLOW", path) from error


def load_prices(settings: Settings) -> PriceList | None:
    """Load the price list and validate it as a whole; None if the settings name none.

    Raises:
        StartupError: with one line for each problem.
    """
    file = settings.prices
    if file is None:
        return None
    from adapters.price_file import InvalidPrices
    from adapters.price_file import load_prices as load

    try:
        prices = load(file)
    except InvalidPrices as error:
        lines = [f"DIALTONE_PRICES: {line}." for line in error.lines]
        raise _invalid(lines, "DIALTONE_PRICES", file) from error
    if settings.has_phone_line and not prices.has(Channel.VOICE):
        raise StartupError(
            f"DIALTONE_PRICES: {file}: no country has a price of voice, and there is a phone line. "
            "Add at least one: the highest one is that of all other countries."
        )
    return prices


def _invalid(lines: Sequence[str], variable: str, path: Path | None) -> StartupError:
    """Return an error of these lines, with an example if the path of the variable is wrong."""
    if path is None or path.exists():
        return StartupError("\n".join(lines))
    return StartupError(f"{lines[0]} {example_line(variable)}")


def _template_problem(problem: TemplateProblem) -> str:
    text = f"{problem.location}: {problem.reason.removesuffix('.')}."
    if not problem.is_builtin:
        return f"DIALTONE_SMS_TEMPLATES_DIR: {text}"
    return (
        f"Built-in template {text} Use a shorter DIALTONE_APP_NAME or DIALTONE_WEB_DOMAIN, or add "
        "a file with this name and this text to the folder in DIALTONE_SMS_TEMPLATES_DIR."
    )


def _check_call_flow(settings: Settings) -> None:
    if settings.has_phone_line:
        load_call_flow(settings)


FILE_CHECKS: Final[tuple[Callable[[Settings], object], ...]] = (
    load_sms_templates,
    _check_call_flow,
    load_prices,
)
"""With them, the settings and the files that they name are checked together."""
