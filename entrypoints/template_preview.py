"""A preview of the messages, for the operator."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from domain.otp.templates.sms_length import measure_sms
from domain.otp.templates.template_set import TemplatePreview

if TYPE_CHECKING:
    from adapters.templates import TemplateFile


def preview_templates(previews: "Iterable[tuple[TemplateFile, TemplatePreview]]") -> Iterator[str]:
    """Show each text as it is sent, below its file, its platform and its price in messages."""
    for file, preview in previews:
        length = measure_sms(preview.text)
        unit = "message" if length.segments == 1 else "messages"
        yield (
            f"{file.location}, {preview.platform}: "
            f"{length.segments} {unit}, {length.units} units of {length.encoding}"
        )
        yield from (f"    {line}" for line in preview.text.split("\n"))
