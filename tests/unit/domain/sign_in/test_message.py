"""The text of a message, as phones read it."""

import re
from datetime import timedelta

from domain.sign_in.challenge import LIFETIME
from domain.sign_in.code import Code
from domain.sign_in.message import general_text


def test_the_code_is_the_first_run_of_digits() -> None:
    text = general_text("Route 66666", Code("012313"), LIFETIME)
    assert re.findall(r"\d{4,6}", text)[0] == "012313"


def test_it_names_the_app() -> None:
    assert "Dialtone" in general_text("Dialtone", Code("012313"), LIFETIME)


def test_it_says_how_long_and_how_often_the_code_works() -> None:
    text = general_text("Dialtone", Code("012313"), LIFETIME)
    assert "5 minutes" in text
    assert "once" in text


def test_it_warns_of_handing_the_code_on() -> None:
    text = general_text("Dialtone", Code("012313"), LIFETIME)
    assert text.endswith(". Do not share it with anyone.")


def test_it_fits_into_one_message() -> None:
    text = general_text("Dialtone", Code("012313"), LIFETIME)
    assert text.isascii()
    assert len(text) <= 140


def test_a_resend_says_how_long_the_code_still_works() -> None:
    code = Code("012313")
    assert "for 3 minutes" in general_text("Dialtone", code, timedelta(minutes=3, seconds=59))
    assert "for 1 minute." in general_text("Dialtone", code, timedelta(seconds=61))
