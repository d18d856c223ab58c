"""Rules of fields that are checked as the API is described: by the `Meta` of the field."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
from msgspec.inspect import Metadata

from domain.errors import InvalidCharacters, TooLong, TooShort


@dataclass(frozen=True, slots=True)
class DescribedRule:
    """The rule of a text that nothing but its description has; see `fields.described`."""

    field: str
    keywords: Mapping[str, Any]
    messages: Mapping[str, str]

    def check(self, body: msgspec.Struct) -> None:
        """Check the field of this body, which may be None.

        Raises:
            TooShort, TooLong, InvalidCharacters
        """
        text, keywords = getattr(body, self.field), self.keywords
        if text is None:
            return
        if "minLength" in keywords and len(text) < keywords["minLength"]:
            raise TooShort(self.messages["minLength"])
        if "maxLength" in keywords and len(text) > keywords["maxLength"]:
            raise TooLong(self.messages["maxLength"])
        # The whole text: in Python, `$` would allow a line break at the end.
        if "pattern" in keywords and not re.fullmatch(keywords["pattern"], text):
            raise InvalidCharacters(self.messages["pattern"])


@cache
def described_rules(body: type[msgspec.Struct]) -> Sequence[DescribedRule]:
    """Return the rules of a body: those of the fields that are described with messages."""
    rules = []
    for field in msgspec.structs.fields(body):
        match msgspec.inspect.type_info(field.type):
            case Metadata(extra={"messages": messages}, extra_json_schema=dict(keywords)) if (
                messages
            ):
                rules.append(DescribedRule(field.name, keywords, messages))
    return rules
