"""Conditional requests and ranges (RFC 9110 §13 and §14), for content that never changes.

Litestar sends an ETag with files, but neither a 304 nor a range.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

from litestar.datastructures import Headers

from entrypoints.http.errors.exceptions import PreconditionFailed, RangeNotSatisfiable

_RANGE: Final = re.compile(r"bytes=\s*(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})\s*", re.I)
_ETAG: Final = re.compile(r'(?:W/)?"[^"]*"')


@dataclass(frozen=True, slots=True)
class Validators:
    """What identifies the content of a response. `modified_at` is exact to the second."""

    etag: str
    modified_at: datetime | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a response, also of 304."""
        if self.modified_at is None:
            return {"ETag": self.etag}
        modified_at = format_datetime(self.modified_at.astimezone(UTC), usegmt=True)
        return {"ETag": self.etag, "Last-Modified": modified_at}

    def is_not_modified(self, headers: Headers) -> bool:
        """Return whether the client has the file already.

        Raises:
            PreconditionFailed: The client wants another file.
        """
        if (tags := _read_tags(headers, "if-match")) is not None:
            is_wanted = tags.strip() == "*" or self.etag in _ETAG.findall(tags)
        else:
            until = _parse_date(headers.get("if-unmodified-since", ""))
            is_wanted = until is None or not self.modified_at or self.modified_at <= until
        if not is_wanted:
            raise PreconditionFailed
        if (tags := _read_tags(headers, "if-none-match")) is not None:
            found = _ETAG.findall(tags)
            return tags.strip() == "*" or self.etag in found or f"W/{self.etag}" in found
        since = _parse_date(headers.get("if-modified-since", ""))
        return bool(since and self.modified_at and self.modified_at <= since)

    def find_range(self, headers: Mapping[str, str], size: int) -> tuple[int, int] | None:
        """Return the requested bytes: the first, and the one after the last; None for all.

        A range that is malformed, and several ranges, are ignored, as the standard permits.

        Raises:
            RangeNotSatisfiable: The range is after the end of the file.
        """
        match = _RANGE.fullmatch(headers.get("range", ""))
        if match is None or not self._is_same(headers.get("if-range")):
            return None
        first, last = match["first"], match["last"]
        if not first:
            if not last:
                return None
            start, stop = max(0, size - int(last)), size
        else:
            start, stop = int(first), min(size, int(last) + 1) if last else size
            if last and int(last) < start:
                return None
        if start >= size:
            raise RangeNotSatisfiable(size)
        return start, stop

    def _is_same(self, if_range: str | None) -> bool:
        return if_range in (None, self.etag) or _parse_date(if_range or "") == self.modified_at


def _read_tags(headers: Headers, name: str) -> str | None:
    """Return the tags of all lines with this name, as RFC 9110 §5.3 joins them."""
    lines = headers.getall(name, [])
    return ", ".join(lines) if lines else None


def _parse_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
