"""The texts of a language or country, and which of them is sent."""

from datetime import timedelta

import pytest

from domain.errors import InvalidValue
from domain.otp.texts.form import Platform, platform_named
from domain.otp.texts.rules import Rule
from domain.otp.texts.template import minutes_of, parse_template
from domain.otp.texts.text_set import Filling, Names, TextSet, parse_text

FIRST, SECOND = "FA+9qCX9VSu", "01234567/9a"
ALL = Names("Dialtone", (FIRST, SECOND), "dial.test")


def a_set(**words: str) -> TextSet:
    texts = {"general": "{code} is your {app} code for {minutes} min.", **words}
    return TextSet({Platform(one): parse_text(Platform(one), text) for one, text in texts.items()})


def sent(
    texts: TextSet, platform: Platform, names: Names = ALL, app_hash: str | None = None
) -> str:
    return texts.text(platform, names, Filling("012345", "5", app_hash))


def broken(texts: TextSet, names: Names = ALL) -> dict[Platform, list[Rule]]:
    samples = texts.samples(names, "5")
    return {one.platform: [broken.rule for broken in one.broken] for one in samples}


def test_a_platform_without_a_text_gets_the_general_one_and_its_last_line() -> None:
    texts = a_set().with_last_lines()
    general = "012345 is your Dialtone code for 5 min."
    assert sent(texts, Platform.GENERAL) == sent(texts, Platform.IOS) == general
    assert sent(texts, Platform.ANDROID) == f"{general}\n{FIRST}"
    assert sent(texts, Platform.WEB) == f"{general}\n@dial.test #012345"


def test_a_platforms_own_text_is_sent_as_it_stands() -> None:
    texts = a_set(android="{code} {hash}", ios="{code}\n@{domain} #{code}").with_last_lines()
    assert sent(texts, Platform.ANDROID) == f"012345 {FIRST}"
    assert sent(texts, Platform.IOS) == "012345\n@dial.test #012345"


def test_without_last_lines_nothing_is_added_to_what_is_there() -> None:
    assert {sent(a_set(), platform) for platform in Platform} == {sent(a_set(), Platform.GENERAL)}


def test_without_a_hash_or_domain_the_general_text_is_sent() -> None:
    texts = a_set(ios="{code}\n@{domain} #{code}").with_last_lines()
    bare = Names("Dialtone")
    assert len({sent(texts, platform, bare) for platform in Platform}) == 1
    assert list(broken(texts, bare)) == [Platform.GENERAL]


@pytest.mark.parametrize(
    ("asked", "used"),
    [(None, FIRST), (FIRST, FIRST), (SECOND, SECOND), ("", FIRST), ("AAAAAAAAAAA", FIRST)],
)
def test_the_hash_asked_for_is_sent_when_it_is_on_the_list(asked: str | None, used: str) -> None:
    texts = a_set().with_last_lines()
    assert sent(texts, Platform.ANDROID, app_hash=asked).endswith(f"\n{used}")


def test_braces_in_a_name_stand_for_themselves() -> None:
    text = sent(a_set(), Platform.GENERAL, Names("{code}{minutes}{x}"))
    assert text == "012345 is your {code}{minutes}{x} code for 5 min."


@pytest.mark.parametrize(
    "words", ["{otp}", "{}", "{", "}", "{{code}}", "{CODE}", "{code }", "{code"]
)
def test_braces_around_anything_else_are_refused(words: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        parse_template(words)
    found, _, known = str(refusal.value).partition(" stands for nothing: ")
    assert found in words
    assert known == "braces are for {code}, {app}, {minutes}, {hash}, {domain}."


@pytest.mark.parametrize(
    ("platform", "slot"),
    [
        ("general", "hash"),
        ("general", "domain"),
        ("ios", "hash"),
        ("android", "domain"),
        ("web", "hash"),
    ],
)
def test_a_slot_that_the_platform_cannot_fill_is_refused(platform: str, slot: str) -> None:
    with pytest.raises(InvalidValue, match=slot):
        parse_text(Platform(platform), f"{{code}} {{{slot}}}")


def test_every_text_is_judged_with_the_names_that_are_used() -> None:
    texts = a_set(general="{app}: {code}").with_last_lines()
    assert not any(broken(texts).values())
    taxi = broken(texts, Names("4711 Taxi", (FIRST,), "dial.test"))
    assert taxi == {one: [Rule.CODE_FIRST] for one in taxi}
    assert len(taxi) == 3


def test_every_text_is_judged_with_the_minutes_that_are_told() -> None:
    texts = a_set(general="{code}" + "a" * (3 * 153 - 6 - 1) + "{minutes}")
    for minutes, rules in (("5", []), ("10", [Rule.LENGTH])):
        (general, *_) = texts.samples(ALL, minutes)
        assert [one.rule for one in general.broken] == rules


def test_every_text_is_shown_as_it_is_sent() -> None:
    texts = a_set(ios="{code}\n@{domain} #{code}").with_last_lines()
    shown = {one.platform: one.text for one in texts.samples(ALL, "5")}
    assert shown == {platform: sent(texts, platform) for platform in Platform}


@pytest.mark.parametrize("digits", ["012345", "987654", "123456"])
def test_a_name_that_looks_like_a_code_passes_for_none(digits: str) -> None:
    names = Names(f"Taxi {digits}")
    assert broken(a_set(general="{app}: {code}"), names)[Platform.GENERAL] == [Rule.CODE_FIRST]
    assert broken(a_set(general="{code}: {app}"), names)[Platform.GENERAL] == []


def test_a_text_without_a_code_or_with_one_written_out_is_told() -> None:
    for words in ("your code", "012345 is your code", "987654 {code}"):
        assert broken(a_set(general=words))[Platform.GENERAL] == [Rule.CODE_FIRST]


def test_a_text_for_android_or_web_without_its_last_line_is_told() -> None:
    told = broken(a_set(android="{code}", web="{code}"))
    assert told[Platform.ANDROID] == [Rule.HASH_LAST]
    assert told[Platform.WEB] == [Rule.DOMAIN_LAST]


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        (None, Platform.GENERAL),
        ("", Platform.GENERAL),
        ("toaster", Platform.GENERAL),
        ("general", Platform.GENERAL),
        ("Android", Platform.ANDROID),
        (" iOS ", Platform.IOS),
        ("WEB", Platform.WEB),
    ],
)
def test_a_platform_is_known_by_its_name(text: str | None, platform: Platform) -> None:
    assert platform_named(text) is platform


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(300, "5"), (299, "4"), (61, "1"), (59, "1"), (0, "1"), (10**6, "99")]
)
def test_whole_minutes_that_are_left_are_told(seconds: int, minutes: str) -> None:
    assert minutes_of(timedelta(seconds=seconds)) == minutes
