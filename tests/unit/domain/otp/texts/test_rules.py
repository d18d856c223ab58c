"""The rules that a text keeps, as it is sent."""

import pytest

from domain.otp.texts.rules import BrokenRule, Ending, Rule, broken_rules

CODE = "012345"
HASH = "FA+9qCX9VSu"
NOTHING = Ending()
FOR_ANDROID = Ending(app_hash=HASH)
FOR_WEB = Ending(domain="dial.test")


def broken(text: str, ending: Ending = NOTHING) -> list[Rule]:
    return [one.rule for one in broken_rules(text, CODE, ending)]


@pytest.mark.parametrize(
    "text",
    [
        "012345",
        "012345 is your code",
        "Route 66: 012345 is your code, then call 18001234567",
        "رمزك 012345\nرمزك",
        "کد شما 012345 است، می\u200cشود",
        "a" * 153 * 2 + " 012345",
    ],
)
def test_a_text_that_keeps_the_rules_is_let_through(text: str) -> None:
    assert broken(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "your code",
        "4711 Taxi: 012345",
        "١٢٣٤ 012345",
        "code 5012345",
        "code 0123455 min",
        "code 012 345",
        "code ٠١٢٣٤٥",
        "\uff11012345",
        "code 01234",
    ],
)
def test_the_code_has_to_be_the_first_run_of_four_digits_of_any_script(text: str) -> None:
    assert broken(text) == [Rule.CODE_FIRST]


@pytest.mark.parametrize("unseen", ["\u202e", "\u200b", "\u2066", "\x00", "\r", "\t", "\u00a0"])
def test_nothing_unseen_is_sent(unseen: str) -> None:
    (one,) = broken_rules(f"012345 is{unseen}your code", CODE, NOTHING)
    assert one == BrokenRule(Rule.VISIBLE, f"it holds U+{ord(unseen):04X}, which nobody sees")


def test_a_text_takes_three_messages_at_the_most() -> None:
    assert broken("012345" + "a" * (3 * 153 - 6)) == []
    assert broken("012345" + "a" * (3 * 153 - 5)) == [Rule.LENGTH]
    assert broken("012345" + "ж" * (3 * 67 - 6)) == []
    assert broken("012345" + "ж" * (3 * 67 - 5)) == [Rule.LENGTH]


@pytest.mark.parametrize("text", ["012345 at dial.test", "012345 www.x", "012345 https://x"])
def test_no_link_is_sent(text: str) -> None:
    assert broken(text) == [Rule.NO_LINK]
    assert broken(f"{text}\n{HASH}", FOR_ANDROID) == [Rule.NO_LINK]
    assert broken(f"{text}\n@dial.test #012345", FOR_WEB) == [Rule.NO_LINK]


def test_the_retriever_reads_140_bytes_whichever_way_they_are_counted() -> None:
    in_ascii = "012345" + "a" * (140 - 18)
    assert broken(f"{in_ascii}\n{HASH}", FOR_ANDROID) == []
    assert broken(f"a{in_ascii}\n{HASH}", FOR_ANDROID) == [Rule.RETRIEVER_LENGTH]
    on_the_air = "012345" + "ж" * (70 - 18)
    assert broken(f"{on_the_air}\n{HASH}", FOR_ANDROID) == []
    assert broken(f"ж{on_the_air}\n{HASH}", FOR_ANDROID) == [Rule.RETRIEVER_LENGTH]
    in_utf8 = "012345" + "ह" * 40
    assert broken(f"{in_utf8}\n{HASH}", FOR_ANDROID) == []
    assert broken(f"ह{in_utf8}\n{HASH}", FOR_ANDROID) == [Rule.RETRIEVER_LENGTH]


@pytest.mark.parametrize(
    "end",
    [HASH, f" {HASH} ", f" {HASH}.", f".{HASH}", "", f"\n{HASH}\n", " FA+9qCX9VSv"],
)
def test_the_hash_stands_alone_at_the_end(end: str) -> None:
    assert broken(f"012345 is your code{end}", FOR_ANDROID) == [Rule.HASH_LAST]
    assert broken(f"012345 is your code {HASH}", FOR_ANDROID) == []


@pytest.mark.parametrize(
    "end",
    [
        " @dial.test #012345",
        "\n@dial.test #012345\n",
        "\n@dial.test #012345 ",
        "\n@dial.test  #012345",
        "\n@dial.test #012345.",
        "\n#012345",
        "",
    ],
)
def test_the_domain_and_the_code_stand_alone_in_the_last_line(end: str) -> None:
    assert Rule.DOMAIN_LAST in broken(f"012345 is your code{end}", FOR_WEB)


@pytest.mark.parametrize("end", [" @dial.test #012345", ".@dial.test #012345"])
def test_the_domain_in_the_wrong_place_is_not_told_as_a_link_besides(end: str) -> None:
    assert broken(f"012345 is your code{end}", FOR_WEB) == [Rule.DOMAIN_LAST]


def test_there_may_be_several_lines_before_the_last() -> None:
    assert broken("012345\nis your code.\n@dial.test #012345", FOR_WEB) == []


def test_another_domain_in_the_last_line_is_told() -> None:
    text = "012345 is your code\n@dial.example #012345"
    assert broken(text, FOR_WEB) == [Rule.DOMAIN_LAST, Rule.NO_LINK]
    assert broken("012345 is your code\n@dial.test #012345", FOR_WEB) == []


def test_every_broken_rule_is_told_with_a_sentence() -> None:
    text = "4711\t" + "a" * 500 + " dial.test"
    told = list(broken_rules(text, CODE, Ending(app_hash=HASH, domain="dial.test")))
    assert dict(told) == {
        Rule.VISIBLE: "it holds U+0009, which nobody sees",
        Rule.CODE_FIRST: "phones fill in the first run of four or more digits, and '4711' is, "
        "not {code} alone",
        Rule.LENGTH: "it takes 8 messages in UCS-2, and at most 3 are sent",
        Rule.RETRIEVER_LENGTH: "it has 1030 bytes, and Android's SMS Retriever reads 140",
        Rule.HASH_LAST: "it does not end with a space or a new line and {hash}",
        Rule.DOMAIN_LAST: "the last line is not @{domain} #{code}",
        Rule.NO_LINK: "'dial.test' looks like a link",
    }


def test_a_text_without_any_code_is_told_so() -> None:
    (told,) = broken_rules("your code", CODE, NOTHING)
    assert told.sentence == (
        "phones fill in the first run of four or more digits, and there is none, not {code} alone"
    )
