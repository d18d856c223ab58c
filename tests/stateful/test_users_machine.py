"""Whatever people do about their users and names, the whole service does what the model does."""

from datetime import timedelta
from itertools import count as counting
from typing import Final

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from application.wiring import Policy
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.sliding_window import SlidingWindow
from tests.stateful.calls import Call
from tests.stateful.served import Served, serving
from tests.stateful.users_answers import Wish
from tests.stateful.users_desk import UsersDesk
from tests.stateful.users_model import NAME_HELD, Person
from tests.stateful.users_names import (
    NAMES,
    NO_IDS,
    NO_NAMES,
    NO_NUMBERS,
    SPELLINGS,
    Name,
    spelled,
    spellings_of,
)
from tests.stateful.worlds import World, in_each_world
from tests.support.examples import examples

PEOPLE: Final = st.integers(0, 3)
SECONDS: Final = st.sampled_from(
    [0.25, 1, 3600, 86_400, 30 * 86_400 - 1, 30 * 86_400, 31 * 86_400, 90 * 86_400]
)
_PLENTY: Final = (SlidingWindow(1_000_000, timedelta(days=1)),)
NO_BUDGETS: Final = Policy(
    delivery_policy=DeliveryPolicy(
        _PLENTY, _PLENTY, trusted_ip_quota=_PLENTY[0], cooldown=timedelta(0)
    )
)
"""Signing in is another machine's."""

_examples = counting(1)


class UsersMachine(RuleBasedStateMachine):
    """The service and the model, side by side; four phones, and the latest token of each."""

    def __init__(self, served: Served) -> None:
        super().__init__()
        served.begin()
        self.example = next(_examples)
        self.desk = UsersDesk(served)
        self.phones = [served.a_fresh_phone() for _ in range(4)]
        self.latest: dict[int, str] = {}

    # Time, and operators

    @rule(seconds=SECONDS)
    def a_while_passes(self, seconds: float) -> None:
        self.desk.served.wait(seconds)

    @rule()
    def an_operator_sweeps(self) -> None:
        self.desk.cleanup()

    @rule(who=PEOPLE)
    def an_operator_promotes_somebody(self, who: int) -> None:
        self.token(who)
        self.desk.promote(self.person(who))

    @rule(who=PEOPLE)
    def an_operator_blocks_a_phone(self, who: int) -> None:
        self.desk.block(self.phones[who])

    # Signing in

    @rule(who=PEOPLE)
    def somebody_signs_in_anew(self, who: int) -> None:
        self.desk.unblock(self.phones[who])
        self.latest[who] = self.desk.sign_in(self.phones[who])

    # Becoming a user

    @rule(who=PEOPLE, name=NAMES, spelling=SPELLINGS)
    def somebody_becomes_a_user(self, who: int, name: Name, spelling: str) -> None:
        self.desk.create(self.wish(who, name, who, spelling))

    @rule(who=PEOPLE, name=NAMES, whose=PEOPLE, spelling=SPELLINGS)
    def somebody_names_a_number(self, who: int, name: Name, whose: int, spelling: str) -> None:
        self.desk.create(self.wish(who, name, whose, spelling))

    @rule(who=st.just(0), name=NAMES, whose=PEOPLE, spelling=SPELLINGS)
    def an_administrator_names_a_number(
        self, who: int, name: Name, whose: int, spelling: str
    ) -> None:
        self.an_operator_promotes_somebody(who)
        self.somebody_names_a_number(who, name, whose, spelling)

    @rule(who=PEOPLE, spelling=SPELLINGS)
    def somebody_posts_the_same_again(self, who: int, spelling: str) -> None:
        token, name = self.token(who), self.person(who).name
        for same in spellings_of(name, self.example) if name else []:
            number = spelled(self.phones[who], spelling)
            self.desk.create(Wish(token, same, self.phones[who], number))
            self.desk.read_me(token)

    @rule(who=PEOPLE, other=PEOPLE, name=NAMES, same=NAMES)
    def two_become_users_at_once(self, who: int, other: int, name: Name, same: Name) -> None:
        theirs = name if who != other else same
        wishes = [self.wish(who, name, who), self.wish(other, theirs, other)]
        self.desk.create_together(wishes)
        self.everybody_is_read()

    @rule(who=PEOPLE, name=NO_NAMES, number=NO_NUMBERS)
    def somebody_posts_nonsense(self, who: int, name: object, number: object) -> None:
        token, own = self.token(who), self.phones[who].e164
        for body, fields in (
            ({"username": name, "number": own}, ["username"]),
            ({"username": f"Fine {self.example}", "number": number}, ["number"]),
        ):
            self.desk.is_invalid(Call("POST", "/users", body, token), *fields)
        self.desk.is_invalid(Call("PATCH", "/users/me", {"username": name}, token), "username")

    # Another name

    @rule(who=PEOPLE, name=NAMES, is_user=st.booleans())
    def somebody_takes_another_name(self, who: int, name: Name, is_user: bool) -> None:
        if is_user:
            self.becomes_a_user(who)
        self.desk.rename(self.token(who), name.of(self.example))

    @rule(who=PEOPLE, whose=PEOPLE)
    def somebody_wants_the_name_that_another_has_or_had(self, who: int, whose: int) -> None:
        phone = self.phones[whose]
        names = [one.name for one in self.desk.model.people if one.phone == phone and one.name]
        if names:
            self.becomes_a_user(who)
            for name in spellings_of(names[-1], self.example):
                self.desk.rename(self.token(who), name)

    @rule(who=PEOPLE, other=PEOPLE, name=NAMES)
    def two_want_one_name_at_once(self, who: int, other: int, name: Name) -> None:
        for one in (who, other):
            self.becomes_a_user(one)
        tokens = [self.token(one) for one in {who, other}]
        self.desk.rename_together(tokens, name.of(self.example))
        self.everybody_is_read()

    # Reading

    @rule(who=PEOPLE)
    def somebody_reads_everybody(self, who: int) -> None:
        token = self.token(who)
        for person in self.desk.model.people:
            if person.id is not None:
                self.desk.read(token, person.id)
                self.desk.read(token, person.id.upper())

    @rule(who=PEOPLE, text=NO_IDS)
    def somebody_reads_nonsense(self, who: int, text: str) -> None:
        self.desk.read_nonsense(self.token(who), text)
        self.desk.read(self.token(who), "0" * 24)

    @rule(data=st.data())
    def somebody_shows_any_token(self, data: st.DataObject) -> None:
        self.desk.read_me(data.draw(st.sampled_from(["none.of.ours", *self.desk.given])))

    # Leaving

    @rule(who=PEOPLE, other=PEOPLE)
    def somebody_leaves(self, who: int, other: int) -> None:
        self.desk.leave(self.token(who))
        self.somebody_reads_everybody(other)

    @rule(who=PEOPLE, other=PEOPLE, is_swept=st.booleans())
    def a_name_just_left_is_wanted_in_time(self, who: int, other: int, is_swept: bool) -> None:
        self.becomes_a_user(who)
        left = self.person(who).name
        assert left is not None
        self.somebody_leaves(who, other)
        self.becomes_a_user(other)
        for seconds in (NAME_HELD - 1, 1):
            self.desk.served.wait(seconds)
            if is_swept:
                self.desk.cleanup()
            self.desk.rename(self.token(other), left)

    def teardown(self) -> None:
        self.everybody_is_read()

    # Who acts

    def becomes_a_user(self, who: int) -> None:
        """Under a name that nobody wants; who is a user already stays as he is."""
        self.token(who)
        text = f"Nobody {who} {len(self.desk.model.people)} {self.example}"
        self.desk.create(self.wish(who, Name(text, text, text), who))

    def token(self, who: int) -> str:
        """The latest token of a phone, or a new one where that is of no use."""
        token = self.latest.get(who)
        if token is None or self.desk.model.shows(token, self.desk.served.now) is None:
            self.somebody_signs_in_anew(who)
        return self.latest[who]

    def person(self, who: int) -> Person:
        person = self.desk.model.at(self.phones[who])
        assert person is not None
        return person

    def wish(self, who: int, name: Name, whose: int, spelling: str = "+1{0}{1}") -> Wish:
        phone = self.phones[whose]
        return Wish(self.token(who), name.of(self.example), phone, spelled(phone, spelling))

    def everybody_is_read(self) -> None:
        for token in self.latest.values():
            self.desk.read_me(token)


@in_each_world(of_memory=30, of_sqlite=8, of_mongo=6)
@pytest.mark.hypothesis
def test_users_and_their_names_do_what_the_model_does(
    world: World, count: int, request: pytest.FixtureRequest
) -> None:
    with serving(world(request), NO_BUDGETS) as served:
        run_state_machine_as_test(
            lambda: UsersMachine(served),  # type: ignore[arg-type]  # whatever makes one is taken
            settings=settings(
                max_examples=examples(count),
                stateful_step_count=40,
                # With Phase.shrink a failure takes minutes; add it to see the shortest way to one.
                phases=[Phase.generate],
            ),
        )
