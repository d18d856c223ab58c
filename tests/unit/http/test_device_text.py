"""What a session is called whose app gave it no name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identities.session import MAX_DEVICE_NAME_LENGTH
from entrypoints.http.device_text import device_text

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"


@pytest.mark.parametrize(
    ("user_agent", "text"),
    [
        (f"{IPHONE} Gecko) Version/19.1 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        (f"{IPHONE} Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1", "Chrome on iPhone"),
        (
            "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/140.0.0.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Mac",
        ),
        ("Dart/3.9 (dart:io)", "App"),
        ("okhttp/4.12.0", "App"),
        ("Acme/1.2 CFNetwork/3826 Darwin/25.1.0", "App on Apple device"),
        ("curl/8.5.0", "curl"),
        ("my-tool", "my-tool"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "Linux"),
        ("Mozilla/5.0", None),
        ("", None),
        ("\x00\xff", None),
    ],
)
def test_a_user_agent_is_read_as_people_would_call_it(user_agent: str, text: str | None) -> None:
    assert device_text(user_agent) == text


@given(st.text(max_size=300))
def test_whatever_a_client_says_the_text_is_short_and_printable(user_agent: str) -> None:
    text = device_text(user_agent)

    assert text is None or (0 < len(text) <= MAX_DEVICE_NAME_LENGTH and text.isprintable())
