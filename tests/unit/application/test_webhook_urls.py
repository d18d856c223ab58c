from urllib.parse import parse_qsl, urlsplit

from application.webhook_urls import PhoneLabels, WebhookUrls

URLS = WebhookUrls("https://dialtone.example.org")
LABELS = PhoneLabels("IN", "0123456789abcdef")


def test_parameters_are_in_alphabetical_order() -> None:
    url = URLS.sms_status("d1", LABELS)
    parameters = parse_qsl(urlsplit(url).query)
    assert url == (
        "https://dialtone.example.org/sms/status?country=IN&delivery=d1&phone_hash=0123456789abcdef"
    )
    assert parameters == sorted(parameters)
