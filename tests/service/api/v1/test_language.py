"""What a caller says of a text's language."""

import pytest


def score(client, language):
    item = {"text": "the app crashes at checkout", "language": language}
    return client.post("/v1/score", json={"items": [item]})


@pytest.mark.parametrize("language", ["d", "deutsch", "de AT", "de-", "12", "", "de-Österreich"])
def test_what_is_no_language_tag_is_refused(client, language):
    assert score(client, language).status_code == 422


@pytest.mark.parametrize("language", ["de", "DE", "de-AT", "de_DE", "de-Latn-AT-1996"])
def test_a_locale_counts_as_its_language(client, language):
    assert score(client, language).json()["results"][0]["language"] == {"code": "de", "confidence": 1.0}


def test_a_language_that_is_said_to_be_unknown_is_identified(client):
    assert score(client, "und").json() == score(client, None).json()
