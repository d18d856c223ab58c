"""Files of the operator that the settings name."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entrypoints.settings.declaration import example_line
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import StartupError

if TYPE_CHECKING:  # most commands read no templates
    from adapters.messages.templates.sms_templates import FileSmsTemplates, TemplateProblem


def load_sms_templates(settings: Settings) -> "FileSmsTemplates":
    """Load the message templates and validate each message that they can produce.

    Raises:
        StartupError: with one line for each problem.
    """
    from adapters.messages.templates.sms_templates import InvalidTemplates, read_sms_templates
    from adapters.messages.templates.template_set import AppIdentity

    app = AppIdentity(
        settings.app_name, settings.android_hashes, settings.web_domain, settings.otp_length
    )
    try:
        templates = read_sms_templates(settings.sms_templates_dir, settings.default_locale, app)
    except InvalidTemplates as error:
        lines = [_template_problem(problem) for problem in error.problems]
        raise invalid_file(
            lines, Settings, "DIALTONE_SMS_TEMPLATES_DIR", settings.sms_templates_dir
        ) from error
    if not templates.has_locale(settings.default_locale):
        raise StartupError(
            "DIALTONE_DEFAULT_LOCALE: There are no templates in this language. Add a file to the "
            "folder in DIALTONE_SMS_TEMPLATES_DIR, or use another language. "
            "Example: DIALTONE_DEFAULT_LOCALE=en"
        )
    return templates


def invalid_file(
    lines: Sequence[str], settings: type[Any], variable: str, path: Path | None
) -> StartupError:
    """Return an error of these lines, with an example if the path of the variable is wrong."""
    if path is None or path.exists():
        return StartupError("\n".join(lines))
    return StartupError(f"{lines[0]} {example_line(settings, variable)}")


def _template_problem(problem: "TemplateProblem") -> str:
    text = f"{problem.location}: {problem.reason.removesuffix('.')}."
    if not problem.is_builtin:
        return f"DIALTONE_SMS_TEMPLATES_DIR: {text}"
    return (
        f"Built-in template {text} Use a shorter DIALTONE_APP_NAME or DIALTONE_WEB_DOMAIN, or add "
        "a file with this name and this text to the folder in DIALTONE_SMS_TEMPLATES_DIR."
    )
