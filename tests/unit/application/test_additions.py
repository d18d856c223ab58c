"""What features add is joined, or is an error where there can be one only."""

import pytest

from application.additions import NO_ADDITIONS, AddedTwice, Additions, merge
from application.identities.additions import AllowLogin, PendingLogin


async def allow(_: PendingLogin) -> AllowLogin:
    return AllowLogin()


async def clean_up(_: object) -> int:
    return 0


async def forget(_: str) -> None:
    pass


def test_lists_are_joined_in_order_and_mappings_united() -> None:
    first = Additions(cleaned_up=("a",), cleanup_steps={"x": clean_up}, after_deletion=[forget])
    second = Additions(cleaned_up=("b",), cleanup_steps={"y": clean_up}, login_hook=allow)
    merged = merge([first, NO_ADDITIONS, second])
    assert merged.cleaned_up == ("a", "b")
    assert [*merged.cleanup_steps] == ["x", "y"]
    assert (merged.login_hook, [*merged.after_deletion]) == (allow, [forget])
    assert merge([]) == NO_ADDITIONS


@pytest.mark.parametrize(
    "twice",
    [Additions(login_hook=allow), Additions(cleanup_steps={"x": clean_up})],
    ids=["hook", "step"],
)
def test_what_there_is_one_of_is_added_once(twice: Additions) -> None:
    with pytest.raises(AddedTwice, match=r"login_hook|cleanup_steps"):
        merge([twice, twice])
