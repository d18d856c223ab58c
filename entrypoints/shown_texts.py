"""The messages that can be sent, for the operator's eyes."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from domain.otp.texts.sms_length import sms_length

if TYPE_CHECKING:
    from adapters.texts import JudgedText


def shown_texts(texts: "Iterable[JudgedText]") -> Iterator[str]:
    """Show each text as it is sent, below its file, its platform and its price in messages."""
    for file, sample in texts:
        length = sms_length(sample.text)
        unit = "message" if length.messages == 1 else "messages"
        yield (
            f"{file.place}, {sample.platform}: "
            f"{length.messages} {unit}, {length.units} units of {length.alphabet}"
        )
        yield from (f"    {line}" for line in sample.text.split("\n"))
