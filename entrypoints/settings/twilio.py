"""What Twilio's settings look like."""

from entrypoints.settings.words import matching

# https://www.twilio.com/docs/glossary/what-is-a-sid
read_account_sid = matching(r"AC[0-9a-fA-F]{32}", "Takes an account SID: AC and 32 hex digits.")
read_messaging_service_sid = matching(
    r"MG[0-9a-fA-F]{32}", "Takes the SID of a messaging service: MG and 32 hex digits."
)
# A number in E.164, a short code, or a name
# (https://www.twilio.com/docs/glossary/what-alphanumeric-sender-id).
read_twilio_from = matching(
    r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 +_&-]{1,11}",
    "Takes a number with + and its country code, a short code, or a name of at most 11 letters, "
    "digits, spaces and + - _ &.",
)
