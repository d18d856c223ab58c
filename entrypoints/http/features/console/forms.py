"""Forms of the console: urlencoded, each field once."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from litestar.enums import RequestEncodingType

from entrypoints.http.features.console.errors import InvalidForm
from entrypoints.http.features.console.request import ConsoleRequest

FORM_TOKEN: Final = "form_token"  # noqa: S105 -- the name of a field
_MAX_FIELDS: Final = 50


async def read_form(request: ConsoleRequest) -> Mapping[str, str]:
    """Read the fields of a form, without spaces around them. A field that was not sent is "".

    `request.form()` would keep the codes and phones of the last 1,024 forms in memory.

    Raises:
        InvalidForm: It is not urlencoded, has a field twice, or too many.
    """
    request.require_identity_encoding()
    if request.content_type[0] != RequestEncodingType.URL_ENCODED:
        raise InvalidForm
    try:
        pairs = parse_qsl(
            (await request.body()).decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError as error:  # UnicodeDecodeError is one
        raise InvalidForm from error
    fields = _Fields({name: value.strip() for name, value in pairs})
    if len(fields) < len(pairs):
        raise InvalidForm
    return fields


class _Fields(dict[str, str]):
    """The fields of a form. Browsers omit some, such as checkboxes."""

    def __missing__(self, name: str) -> str:
        return ""
