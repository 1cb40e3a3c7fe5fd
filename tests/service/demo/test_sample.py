from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from service.api.v1.wire.accounts import AccountIn
from service.api.v1.wire.feedback import FeedbackIn
from service.demo import load_accounts, load_texts

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
RECURRING = ("checkout", "pairing", "payout", "login", "support", "billing", "invoice_export")
"""Touchpoints of the problems that many customers have."""


@pytest.fixture(scope="module")
def spoken(languages):
    """Each text with the language that it is in."""
    texts = load_texts()
    found = languages.identify([text.item["text"] for text in texts])
    return [(text, language) for text, language in zip(texts, found, strict=True)]


def test_every_account_fits_the_api_and_has_an_id_and_a_name_of_its_own():
    accounts = load_accounts()
    for account in accounts:
        AccountIn.model_validate(account.details)
        assert account.external_id.isascii(), "it stands in a URL"
    assert len({account.external_id for account in accounts}) == len(accounts) >= 20
    assert len({account.name for account in accounts}) == len(accounts)
    assert {account.details["type"] for account in accounts} == {"enterprise", "business", "small", "free"}


def test_every_text_fits_the_api_and_has_an_id_of_its_own():
    texts = load_texts()
    known = {account.external_id for account in load_accounts()}
    for text in texts:
        item = FeedbackIn.model_validate(text.at(MOMENT))
        assert item.account_external_id is None or item.account_external_id in known
    assert len({(text.item["channel"], text.item["external_id"]) for text in texts}) == len(texts) >= 150
    assert len({text.item["text"] for text in texts}) == len(texts)


def test_every_account_has_said_something():
    said = {text.item.get("account_external_id") for text in load_texts()}
    assert {account.external_id for account in load_accounts()} <= said


def test_times_lie_within_the_last_month_and_in_order():
    moments = [datetime.fromisoformat(text.at(MOMENT)["occurred_at"]) for text in load_texts()]
    assert moments == sorted(moments)
    assert MOMENT - timedelta(days=31) < moments[0]
    assert moments[-1] < MOMENT


def test_customers_speak_at_least_twelve_languages(spoken):
    count = defaultdict(int)
    for _text, language in spoken:
        count[language.code] += 1
    assert sum(number >= 3 for code, number in count.items() if code != "und") >= 12
    assert count["und"] <= 5


@pytest.mark.parametrize("touchpoint", RECURRING)
def test_a_recurring_complaint_comes_from_many_customers_in_many_languages(spoken, touchpoint):
    about = [(text, language) for text, language in spoken if text.item.get("touchpoint") == touchpoint]
    assert len(about) >= 10
    assert len({language.code for _text, language in about}) >= 4
    assert len({text.item.get("account_external_id") for text, _language in about}) >= 5


def test_some_customers_say_how_urgent_it_is_and_some_exaggerate():
    declared = [text.item.get("declared_urgency") for text in load_texts()]
    assert {"low", "medium", "high", "critical"} <= set(declared)
    assert declared.count(None) > len(declared) / 2
