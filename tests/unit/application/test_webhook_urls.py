from application.webhook_urls import PhoneLabels, WebhookUrls


def test_parameters_are_in_alphabetical_order() -> None:
    labels = PhoneLabels("IN", "0123456789abcdef")
    assert WebhookUrls("https://dialtone.example.org").sms_status("d1", labels) == (
        "https://dialtone.example.org/sms/status?country=IN&delivery=d1&phone_hash=0123456789abcdef"
    )
