"""What phones make a link of."""

import pytest

from domain.otp.texts.links import first_link


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("see https://dial.test/a now", "https://dial.test/a"),
        ("see HTTP://x now", "HTTP://x"),
        ("open dialtone://code", "dialtone://code"),
        ("www.x", "www.x"),
        ("at dial.test.", "dial.test"),
        ("mail me@dial.test", "dial.test"),
        ("Dr.Dial", "Dr.Dial"),
        ("at müller.example", "müller.example"),
        ("at пример.рф!", "пример.рф"),
        ("dial\N{FULLWIDTH FULL STOP}test", "dial.test"),
        ("at xn--a.xn--p1ai", "xn--a.xn--p1ai"),
        ("at 192.168.0.1:80", "192.168.0.1"),
        ("@dial.test #123456", "dial.test"),
    ],
)
def test_what_looks_like_a_link_is_found(text: str, link: str) -> None:
    assert first_link(text) == link


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5 min. Do not",
        "z.B. so",
        "v1.2",
        "9.99",
        "a...b",
        "验证码。请勿",
        "St. Dial",
        "A & B",
        "a@b",
    ],
)
def test_what_is_no_link_is_let_through(text: str) -> None:
    assert first_link(text) is None
