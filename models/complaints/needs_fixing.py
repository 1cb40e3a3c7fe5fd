"""Which texts complaints are made of."""

_FIXABLE_KINDS = frozenset({"complaint", "request"})
_NEVER_KINDS = frozenset({"praise"})


def needs_fixing(kind: str | None, sentiment: str | None) -> bool:
    """Tell whether something is to be put right: a complaint, a request, or another text that is negative.

    Praise and what is neither negative nor asks for a change stay out. A text without predictions
    stays out too: nobody knows what it is. Benchmarks pass every text instead of asking this.

    Args:
        kind: One of `models.labels.KINDS`; `None` when no heads fit the encoder.
        sentiment: One of `models.labels.SENTIMENTS`, or `None`.

    >>> needs_fixing("request", "positive"), needs_fixing("question", "negative")
    (True, True)
    >>> needs_fixing("praise", "negative"), needs_fixing("comment", "neutral"), needs_fixing(None, None)
    (False, False, False)
    """
    if kind in _NEVER_KINDS:
        return False
    return kind in _FIXABLE_KINDS or sentiment == "negative"
