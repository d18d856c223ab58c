"""The query of a page of the library."""

import re
from typing import Final

from domain.errors import FieldsInvalid, ValueRefused
from domain.identifier import parse_identifier
from domain.media.page import ItemFilter, PageRequest
from domain.media.picture import MediaKind
from entrypoints.http.field_parsing import parse_fields

_NUMBER: Final = re.compile(r"[0-9]{1,18}\Z")
_KINDS: Final = {kind.value: kind for kind in MediaKind}


def parse_page_request(page: str | None, per_page: str | None) -> PageRequest:
    """Read which page is wanted; raises FieldsInvalid naming what is no number from 1 on."""
    number, size = parse_fields(
        ("page", lambda: _count(page, default=1)),
        ("per_page", lambda: _count(per_page, default=10)),
    )
    return PageRequest(number, size)


def parse_item_filter(
    user_id: str | None, kind: str | None, category: str | None, cursor: str | None
) -> ItemFilter:
    """Read which items are wanted; raises FieldsInvalid naming what cannot be."""
    if cursor is not None:
        raise FieldsInvalid({"cursor": ["Cursors are not offered yet; use page and per_page."]})
    owner, chosen = parse_fields(
        ("user_id", lambda: _owner(user_id)), ("type", lambda: _kind(kind))
    )
    return ItemFilter(owner, chosen, category)


def _count(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not _NUMBER.match(text) or int(text) < 1:
        raise ValueRefused("This has to be a whole number from 1 on.")
    return int(text)


def _owner(text: str | None) -> str | None:
    if text is None:
        return None
    owner = parse_identifier(text)
    if owner is None:
        raise ValueRefused("A user id is 24 hex digits.")
    return owner


def _kind(text: str | None) -> MediaKind | None:
    if text is not None and text not in _KINDS:
        raise ValueRefused("This has to be 'image' or 'gif'.")
    return _KINDS[text] if text is not None else None
