"""The query of a page of the library."""

import re
from typing import Final

from domain.errors import InvalidFields, InvalidValue
from domain.identifier import parse_identifier
from domain.media.image import MediaKind
from domain.media.page import ItemFilter, PageRequest, parse_cursor
from entrypoints.http.field_parsing import parse_fields

_NUMBER: Final = re.compile(r"[0-9]{1,18}\Z")
_KINDS: Final = {kind.value: kind for kind in MediaKind}


def parse_page_request(page: str | None, per_page: str | None, cursor: str | None) -> PageRequest:
    """Read which page is wanted, by number or by cursor.

    A cursor says itself where its page begins. Along with it `page` may be 1, which is what it
    would be if left out; any other number is refused, since one of the two would be ignored.

    Raises:
        InvalidFields: names what is no number from 1 on, no cursor, or a page beside a cursor.
    """
    number, size, after = parse_fields(
        ("page", lambda: _count(page, default=1)),
        ("per_page", lambda: _count(per_page, default=10)),
        ("cursor", lambda: None if cursor is None else parse_cursor(cursor)),
    )
    if after is not None and number != 1:
        raise InvalidFields({"page": ["Ask by page or by cursor: along with one, leave page out."]})
    return PageRequest(number, size, after)


def parse_item_filter(user_id: str | None, kind: str | None, category: str | None) -> ItemFilter:
    """Read which items are wanted; raises InvalidFields naming what cannot be."""
    owner, chosen = parse_fields(
        ("user_id", lambda: _owner(user_id)), ("type", lambda: _kind(kind))
    )
    return ItemFilter(owner, chosen, category)


def _count(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not _NUMBER.match(text) or int(text) < 1:
        raise InvalidValue("This has to be a whole number from 1 on.")
    return int(text)


def _owner(text: str | None) -> str | None:
    if text is None:
        return None
    owner = parse_identifier(text)
    if owner is None:
        raise InvalidValue("A user id is 24 hex digits.")
    return owner


def _kind(text: str | None) -> MediaKind | None:
    if text is not None and text not in _KINDS:
        raise InvalidValue("This has to be 'image' or 'gif'.")
    return _KINDS[text] if text is not None else None
