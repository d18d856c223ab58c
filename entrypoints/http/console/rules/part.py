"""Rules in the console."""

from pathlib import Path
from typing import Final

from domain.administration.scope import Scope
from domain.rules.errors import RuleNotFound
from entrypoints.http.console.part import ConsolePart
from entrypoints.http.console.rules.controller import RulePageController

PART: Final = ConsolePart(
    templates=Path(__file__).parent / "templates",
    controllers=(RulePageController,),
    navigation=((35, "Rules", "/console/rules", Scope.READ_RULES),),
    done={
        "rule_added": "The rule is active. All instances apply it within five seconds.",
        "rule_added_before": "This rule was added just before. It was not added again.",
        "rule_ended": "The rule has ended. All instances stop to apply it within five seconds.",
        "rule_ended_before": "This rule has ended already, so nothing was done now.",
    },
    errors={RuleNotFound: "This rule has ended already."},
)
