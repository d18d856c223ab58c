"""A preview of the messages, for the operator."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from domain.otp.texts.sms_length import sms_length

if TYPE_CHECKING:
    from adapters.texts import JudgedText


def preview_templates(templates: "Iterable[JudgedText]") -> Iterator[str]:
    """Yield each message as it would be delivered, below its file, platform and length."""
    for file, sample in templates:
        length = sms_length(sample.text)
        unit = "message" if length.messages == 1 else "messages"
        yield (
            f"{file.place}, {sample.platform}: "
            f"{length.messages} {unit}, {length.units} units of {length.alphabet}"
        )
        yield from (f"    {line}" for line in sample.text.split("\n"))
