"""The rules for the text of a message."""

import pytest

from adapters.messages.templates.rules import (
    RuleViolation,
    TemplateRule,
    find_link,
    validate_notice,
    validate_template,
)

CODE = "012345"
HASH = "FA+9qCX9VSu"
DOMAIN = "dial.test"


def violated_rules(
    text: str, app_hash: str | None = None, domain: str | None = None
) -> list[TemplateRule]:
    violations = validate_template(text, CODE, app_hash=app_hash, domain=domain)
    return [violation.rule for violation in violations]


@pytest.mark.parametrize(
    "text",
    [
        "4711 Taxi: 012345", "١٢٣٤ 012345", "code 5012345", "code 012 345",
    ],
)  # fmt: skip
def test_the_code_is_the_first_run_of_four_digits_of_any_script(text: str) -> None:
    assert violated_rules(text) == [TemplateRule.CODE_FIRST]


@pytest.mark.parametrize("character", ["\u200b", "\x00", "\u00a0"])
def test_invisible_characters_are_not_allowed(character: str) -> None:
    (violation,) = validate_template(f"012345 is{character}your code", CODE)
    message = f"it contains the invisible character U+{ord(character):04X}"
    assert violation == RuleViolation(TemplateRule.VISIBLE_CHARACTERS, message)


def test_a_text_takes_at_most_three_segments() -> None:
    for character, segment in (("a", 153), ("ж", 67)):
        text = "012345" + character * (3 * segment - 6)
        assert violated_rules(text) == []
        assert violated_rules(text + character) == [TemplateRule.LENGTH]


def test_links_are_not_allowed_in_any_text() -> None:
    text = "012345 at dial.test"
    assert violated_rules(text) == [TemplateRule.NO_LINK]
    assert violated_rules(f"{text}\n{HASH}", app_hash=HASH) == [TemplateRule.NO_LINK]
    assert violated_rules(f"{text}\n@dial.test #012345", domain=DOMAIN) == [TemplateRule.NO_LINK]


@pytest.mark.parametrize(
    ("text", "character"),
    [
        ("012345" + "a" * (140 - 18), "a"),
        ("012345" + "ж" * (70 - 18), "ж"),  # 140 bytes as UCS-2
        ("012345" + "ह" * 40, "ह"),  # 138 bytes as UTF-8
    ],
)
def test_the_retriever_reads_140_bytes_of_utf_8_and_of_the_sms(text: str, character: str) -> None:
    assert violated_rules(f"{text}\n{HASH}", app_hash=HASH) == []
    assert violated_rules(f"{character}{text}\n{HASH}", app_hash=HASH) == [
        TemplateRule.RETRIEVER_SIZE
    ]


@pytest.mark.parametrize("end", [HASH, f" {HASH} ", f".{HASH}", f"\n{HASH}\n", " FA+9qCX9VSv"])
def test_the_app_hash_is_the_last_word(end: str) -> None:
    assert violated_rules(f"012345 is your code{end}", app_hash=HASH) == [TemplateRule.HASH_LAST]
    assert violated_rules(f"012345 is your code {HASH}", app_hash=HASH) == []


@pytest.mark.parametrize(
    "end",
    [
        " @dial.test #012345", "\n@dial.test #012345\n", "\n#012345", "\n@dial.test  #012345", "",
    ],
)  # fmt: skip
def test_the_domain_and_the_code_are_the_last_line(end: str) -> None:
    rules = violated_rules(f"012345 is your code{end}", domain=DOMAIN)
    # A line that is only misplaced is not reported as a link too.
    assert rules == [TemplateRule.DOMAIN_LAST, *([TemplateRule.NO_LINK] if "  #" in end else [])]


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("see https://dial.test/a now", "https://dial.test/a"), ("see HTTP://x now", "HTTP://x"),
        ("www.x", "www.x"), ("mail me@dial.test", "dial.test"), ("at пример.рф!", "пример.рф"),
        ("dial\uff0etest", "dial.test"), ("at xn--a.xn--p1ai", "xn--a.xn--p1ai"),
        ("at 192.168.0.1:80", "192.168.0.1"),
    ],
)  # fmt: skip
def test_a_text_that_looks_like_a_link_is_found(text: str, link: str) -> None:
    assert find_link(text) == link


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("Your 4711 Taxi account has another number. Call us within 7 days.", []),
        ("4711 Taxi: 12 345", []), ("4711 Taxi: 1234", [TemplateRule.NO_CODE]),
        ("\u0661\u0662\u0663\u0664", [TemplateRule.NO_CODE]),
        (" \n", [TemplateRule.VISIBLE_CHARACTERS]),
        ("a" * 460, [TemplateRule.LENGTH]),
        ("Look at dial.test", [TemplateRule.NO_LINK]),
    ],
)  # fmt: skip
def test_a_message_without_a_code_has_no_other_digits_than_the_app_name(
    text: str, rules: list[TemplateRule]
) -> None:
    assert [violation.rule for violation in validate_notice(text, "4711 Taxi")] == rules
