"""The example and the default of each variable are valid, and no unprintable value is."""

from typing import Final

from adapters.security.keys.document import generate_document
from entrypoints.settings.composition import FIELDS
from entrypoints.settings.read import describe_settings, read_settings
from tests.support.settings import problems
from tests.unit.entrypoints.settings.texts import ALL_USED, SECRET, VONAGE

# The example of these is a command, because keys that are printed here would be used.
KEYS: Final = {
    '"$(dialtone keys generate -)"': generate_document(indent=None).strip(),
    "$(openssl rand -hex 16)": f"{7:032x}",
    '"$(cat private.key)"': VONAGE["VONAGE_PRIVATE_KEY"].strip(),
    '"whsec_$(openssl rand -base64 32)"': f"whsec_{'A' * 43}=",
}


def test_every_example_and_default_is_valid_and_described_as_written() -> None:
    for name, declaration in FIELDS.items():
        examples = {declaration.example_text, declaration.default}
        for example in examples - {"", "production"}:
            text = KEYS.get(example, example)
            environ = ALL_USED | {name: text}
            if name == "TWILIO_MESSAGING_SERVICE_SID":
                del environ["TWILIO_FROM"]
            if name == "AWS_SESSION_TOKEN":
                environ["DIALTONE_MEDIA_DELIVERY"] = "service"
            if name == "DIALTONE_VOICE":
                environ["TWILIO_VOICE_FROM"] = "+14155550006"
            if name == "DIALTONE_LOGIN_HOOK":
                environ["DIALTONE_LOGIN_HOOK_SECRET"] = f"whsec_{'A' * 43}="
            if name == "DIALTONE_EVENTS":
                environ["DIALTONE_EVENTS_SECRET"] = f"whsec_{'A' * 43}="
            lines = describe_settings(read_settings(environ, None))
            (shown,) = (line.shown for line in lines if line.name == name)
            assert shown == text or declaration.file_variables or name == "DIALTONE_SECRETS"


def test_an_unprintable_value_of_any_variable_is_rejected() -> None:
    for name, declaration in FIELDS.items():
        line = problems(ALL_USED | {name: f"{SECRET}\n{SECRET}"})[name]
        assert line.isprintable()
        assert SECRET not in line
        assert line.endswith(f"Example: {name}={declaration.example_text}")
