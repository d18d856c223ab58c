from application.ports.message_texts import WantedText


class FakeMessageTexts:
    """Writes the code, and then what was wanted, as it was wanted."""

    def text(self, wanted: WantedText) -> str:
        form = wanted.form
        said = (wanted.country, form.platform, form.locale, form.app_hash, str(wanted.lifetime))
        return " ".join((wanted.code.digits, *map(str, said)))
