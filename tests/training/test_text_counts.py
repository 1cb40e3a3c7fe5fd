from training.datasets.texts import WrittenText
from training.text_counts import render_counts


def text(number, **changes):
    values = {
        "id": f"fi-{number}",
        "text": "a",
        "lang": "fi",
        "urgency": "low",
        "topic": "other",
        "topics": ("other",),
        "sentiment": "neutral",
        "churn_risk": False,
        "declares": (),
        "pair": None,
        "trade": "shop",
        "channel": "chat",
    }
    return WrittenText(**values | changes)


def test_counts_are_by_language_topic_and_channel():
    tables = render_counts(
        {
            "fi": [
                text(1, churn_risk=True, pair="p1"),
                text(2, urgency="high", pair="p1", declares=("urgent", "legal")),
            ],
            "sv": [text(3, topics=("other", "bug_crash"), channel="email")],
        }
    )
    assert "| fi | 2 | 1 | 0 | 1 | 0 | 0 | 2 | 0 | 1 | 1 | 1 |" in tables
    assert "| all | 3 | 2 | 0 | 1 | 0 | 0 | 3 | 0 | 1 | 1 | 1 |" in tables
    assert "| other | 3 | 0 | 2 | 0 | 1 | 0 |" in tables
    assert "| bug_crash | 0 | 1 | 0 | 0 | 0 | 0 |" in tables
    assert "| email | 1 |" in tables
