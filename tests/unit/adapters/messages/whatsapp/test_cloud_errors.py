"""What Meta's error codes and HTTP statuses mean for a delivery."""

import re

import pytest

from adapters.messages.whatsapp_cloud.client import CloudApiError, InvalidCloudApiResponse
from adapters.messages.whatsapp_cloud.error_codes import to_result, why_nobody
from adapters.shared.http import ConnectionFailed, NoResponse
from application.ports.otp import DeliveryStatus

TEMPLATE = (132000, 132001, 132005, 132007, 132012, 132015, 132016, 132018)
RATE = (4, 80007, 130429, 131048, 131056)
ACCOUNT = (0, 3, 10, 190, 200, 210, 299, 368, 131005, 131031, 131042, 131045, 133010)
WITHHELD = (130403, 130472, 130497, 131047, 131049, 131050)


@pytest.mark.parametrize(
    ("expected", "codes", "status"),
    [
        (DeliveryStatus.INVALID_NUMBER, (131026, 131021), 400),
        (DeliveryStatus.UNAVAILABLE, (*TEMPLATE, *RATE, *ACCOUNT, 131030), 400),
        (DeliveryStatus.REJECTED, (*WITHHELD, 100, 131008, 131009, 131051, 135000), 400),
        (DeliveryStatus.UNKNOWN, (1, 2, 131000, 131016, 133004), 400),
        # The code decides, also with another HTTP status.
        (DeliveryStatus.INVALID_NUMBER, (131026,), 500),
        (DeliveryStatus.UNAVAILABLE, (190, 130429, 132001), 500),
        # A code that is not in the table.
        (DeliveryStatus.UNAVAILABLE, (199999,), 401),
        (DeliveryStatus.UNAVAILABLE, (199999,), 429),
        (DeliveryStatus.UNKNOWN, (199999,), 500),
        (DeliveryStatus.UNKNOWN, (199999,), 302),
    ],
)
def test_the_code_of_an_error_decides(
    expected: DeliveryStatus, codes: tuple[int, ...], status: int
) -> None:
    for code in codes:
        result = to_result(CloudApiError(status, code))
        assert (result.status, result.error_code) == (expected, str(code)), code
        # Clients see it.
        assert re.fullmatch(r"[A-Z][A-Za-z',; ]+\.", result.reason), result.reason


def test_some_codes_mean_that_nobody_gets_messages() -> None:
    for_all = (*TEMPLATE, 132999, *ACCOUNT)  # 132999: Meta may add codes of templates
    for_some = (*RATE, *WITHHELD, 131026, 131021, 131030, 1, 2, 131000, 199999)
    assert [code for code in for_all if not why_nobody(str(code))] == []
    assert [code for code in (*map(str, for_some), "", "x") if why_nobody(code)] == []


@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500, 502, 503, 504])
def test_a_response_without_a_code_is_unknown(status: int) -> None:
    assert to_result(CloudApiError(status)).status is DeliveryStatus.UNKNOWN


def test_without_a_response_the_result_depends_on_the_connection() -> None:
    assert to_result(ConnectionFailed()).status is DeliveryStatus.NOT_CONNECTED
    assert to_result(NoResponse("ReadTimeout")).details == "ReadTimeout"
    assert to_result(NoResponse()).status is DeliveryStatus.UNKNOWN
    assert to_result(InvalidCloudApiResponse()).status is DeliveryStatus.UNKNOWN


def test_details_are_for_operators_and_have_no_digits() -> None:
    result = to_result(CloudApiError(400, 131009, "+14155550001 is not valid; the code is 123456"))

    assert result.details == "+*********** is not valid; the code is ******"
    assert "valid" not in result.reason
