"""Builders of documents of hookaba-backend."""

from datetime import datetime, timedelta
from typing import Any

from application.features.imports.ports import Document
from tests.support.builders import NOW, an_id

JOINED_AT: datetime = NOW - timedelta(days=900)
UPLOADED_AT: datetime = NOW - timedelta(days=800)


def a_user_document(number: int = 1, /, **changes: Any) -> Document:
    fields = {
        "number": f"+1415555{2670 + number}",
        "username": f"User {number}",
        "admin": False,
        "created_on": JOINED_AT,
    }
    return Document(an_id(number), JOINED_AT, fields | changes)


def an_item_document(number: int = 101, /, **changes: Any) -> Document:
    fields = {
        "user_id": an_id(1),
        "url": url_of(f"{number}.gif"),
        "category": "pets",
        "created_at": UPLOADED_AT,
    }
    return Document(an_id(number), UPLOADED_AT, fields | changes)


def url_of(key: str) -> str:
    return f"https://bucket.s3.us-east-1.amazonaws.com/{key}"
