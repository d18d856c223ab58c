"""The message templates that have no code to undo a change of the number."""

from collections.abc import Iterator

from adapters.templates.template_file import TemplateFile
from domain.identities.phone_change import PhoneNotice
from entrypoints.opening.operator_files import load_sms_templates
from entrypoints.settings.settings import Settings


def find_templates_without_undo(settings: Settings) -> Iterator[str]:
    """Yield a line for each file whose message that the number was changed has no undo code.

    Raises:
        StartupError
    """
    return map(_undo_line, load_sms_templates(settings).files_without_undo())


def _undo_line(file: TemplateFile) -> str:
    """Name a file whose message that the number was changed has no undo code."""
    kind = "the country" if file.is_for_country else "the language"
    return (
        f"{file.location}, [{PhoneNotice.PHONE_CHANGED}]: no {{undo}} for {kind} {file.name}. The "
        "former number then undoes a change only by a code that it requests, and strangers can use "
        "up these. Add {undo} to the text."
    )
