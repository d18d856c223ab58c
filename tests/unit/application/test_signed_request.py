"""The JSON of a provider's request, whatever people and carriers wrote in it."""

import json

import pytest

from application.ports.webhooks import SignedRequest


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (rb"A\ud83d", "A\ufffd"),
        (rb"\uDE00\u0041", "\ufffdA"),
        (rb"\ude00\ud83d\ud83d\ude00", "\ufffd\ufffd\U0001f600"),
        (rb"\\\ud83d", "\\\ufffd"),
        (b"Jos\xe9", "Jos\ufffd"),
        (b"\xed\xa0\xbd", "\ufffd" * 3),
        (b"a\0\x1f\nb", "a   b"),
        (rb"\\ud83d \" \u00e9 \uD83D\uDE00 \ud83d\\ude00", '\\ud83d " é \U0001f600 \ufffd\\ude00'),
        ("\ufeffé\u2028".encode(), "\ufeffé\u2028"),
    ],
)
def test_text_that_is_no_unicode_is_replaced_in_json(written: bytes, text: str) -> None:
    request = SignedRequest("", {}, body=b'\xef\xbb\xbf{\r\n"a":\t"' + written + b'"}')

    assert json.loads(request.json_text) == {"a": text}
