"""The codes of invalid fields, which apps can translate."""

from enum import StrEnum


class FieldErrorCode(StrEnum):
    """The values of `code` in `field_errors` that the core has. A feature may have more.

    The `code` of the response stays `invalid`, because several fields can be invalid for different
    reasons. A code has no name of a field, which is beside it. Codes can be added, not renamed.
    """

    # Any field
    MISSING_FIELD = "missing_field"
    UNKNOWN_FIELD = "unknown_field"
    REPEATED_FIELD = "repeated_field"
    WRONG_TYPE = "wrong_type"
    INVALID_VALUE = "invalid_value"
    UNSUPPORTED_VALUE = "unsupported_value"
    CONFLICTING_VALUE = "conflicting_value"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    INVALID_CHARACTERS = "invalid_characters"
    NO_VISIBLE_CHARACTER = "no_visible_character"
    MIXED_SCRIPTS = "mixed_scripts"
    RESERVED_NAME = "reserved_name"
    PHONE_AS_USERNAME = "phone_as_username"
    INVALID_NUMBER = "invalid_number"
    INVALID_ID = "invalid_id"
    INVALID_CURSOR = "invalid_cursor"
    # Phones and codes
    INVALID_PHONE = "invalid_phone"
    AMBIGUOUS_PHONE = "ambiguous_phone"
    UNSUPPORTED_PHONE_TYPE = "unsupported_phone_type"
    COUNTRY_NOT_SERVED = "country_not_served"
    PHONE_UNREACHABLE = "phone_unreachable"
    MALFORMED_OTP = "malformed_otp"
    # The body as a whole
    INVALID_JSON = "invalid_json"
    INVALID_FORM = "invalid_form"
    INCOMPLETE_BODY = "incomplete_body"
    INVALID_REQUEST = "invalid_request"
