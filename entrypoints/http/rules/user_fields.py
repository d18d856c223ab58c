"""What the details of a user say about rules."""

from typing import Annotated, Self

from application.administration.show_user import UserDetails
from application.rules.details import rules_about
from entrypoints.http.fields import described
from entrypoints.http.rules.schemas import RuleResponse, to_rule_response
from entrypoints.http.user_details import UserFields


class RuleFields(UserFields, kw_only=True):
    """The rules about the phone."""

    rules: Annotated[
        list[RuleResponse],
        described("The rules that are active now for this phone, its country, or all phones."),
    ]

    @classmethod
    def of(cls, details: UserDetails) -> Self:
        """Convert what is shown of them."""
        return cls(rules=[to_rule_response(rule) for rule in rules_about(details)])
