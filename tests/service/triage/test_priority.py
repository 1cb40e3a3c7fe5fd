"""The priority: a bounded sum that each signal can only push one way."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.labels import DECLARED, SENTIMENTS, URGENCIES
from service.triage.priority import (
    ACCOUNT_TYPE_VALUE,
    COMPLAINT_SIZE_CAP,
    DECLARED_AS,
    FLOOR_SHARE,
    REVENUE_CAP,
    SERVICE_LEVEL_SECONDS,
    SEVERITY,
    UNKNOWN_SERVICE_LEVEL_SECONDS,
    Signals,
    Weights,
    priority_at,
    resting_priority,
)

NAMES = (
    "urgency",
    "declared_urgency",
    "sentiment",
    "account_value",
    "complaint",
    "churn",
    "waiting",
    "severity_floor",
)
TYPES_BY_VALUE = sorted(ACCOUNT_TYPE_VALUE, key=ACCOUNT_TYPE_VALUE.__getitem__)
shares = st.floats(0, 1)
seconds = st.floats(-(10.0**6), 10.0**9)


def distributions(labels):
    """Probabilities of these labels."""
    return st.lists(st.integers(0, 1_000), min_size=len(labels), max_size=len(labels)).map(
        lambda counts: {
            label: (count / sum(counts) if sum(counts) else 1 / len(labels))
            for label, count in zip(labels, counts, strict=True)
        }
    )


def one_hot(labels):
    return st.sampled_from(labels).map(lambda label: {label: 1.0})


declared_ = st.lists(st.sampled_from(DECLARED), unique=True)
signals_ = st.builds(
    Signals,
    urgency=st.none() | distributions(URGENCIES) | one_hot(URGENCIES),
    sentiment=st.none() | distributions(SENTIMENTS),
    declared_urgency=st.none() | st.sampled_from(URGENCIES),
    declares=st.none() | declared_,
    account_type=st.none() | st.sampled_from([*TYPES_BY_VALUE, "reseller"]),
    revenue=st.none() | st.floats(0, 1e15),
    complaint_size=st.none() | st.integers(0, 10**6),
    complaint_growth=st.none() | st.floats(0, 1e6),
    churn=st.none() | shares,
    non_feedback=st.none() | st.booleans(),
)
weights_ = st.lists(st.integers(0, 100), min_size=7, max_size=7).map(
    lambda parts: Weights(
        **{
            field.name: 100 * part / (sum(parts) or 1)
            for field, part in zip(fields(Weights), parts, strict=True)
        }
    )
)


def value(signals, weights=None, waited=0.0):
    weights = weights or Weights()
    return priority_at(resting_priority(signals, weights), weights, waited_seconds=waited).value


@given(signals_, weights_, seconds)
def test_it_is_the_sum_of_its_terms_within_0_and_100(signals, weights, waited):
    priority = priority_at(resting_priority(signals, weights), weights, waited_seconds=waited)

    assert 0 <= priority.value <= 100 + 1e-9
    assert priority.value == pytest.approx(sum(term.contribution for term in priority.terms))
    assert tuple(term.name for term in priority.terms) == NAMES
    for term in priority.terms:
        assert term.value is None or 0 <= term.value <= 1
        assert term.contribution == pytest.approx((term.value or 0) * term.weight)
        assert term.reason


def test_the_default_weights_sum_to_100():
    assert sum(getattr(Weights(), field.name) for field in fields(Weights)) == 100


TERM_OF = {
    "account_type": "account_value",
    "revenue": "account_value",
    "complaint_size": "complaint",
    "complaint_growth": "complaint",
    "declares": "declared_urgency",
    "non_feedback": "urgency",
}
"""Which term a signal is of, where it has another name."""


@given(signals_, st.sampled_from([field.name for field in fields(Signals)]))
def test_what_is_unknown_contributes_nothing_and_is_not_handed_to_others(signals, name):
    unknown = resting_priority(replace(signals, **{name: None}), Weights())
    known = resting_priority(signals, Weights())

    for before, after in zip(known.terms, unknown.terms, strict=True):
        assert before.weight == after.weight
        if before.name != TERM_OF.get(name, name):
            assert before == after


@given(signals_, seconds, st.sampled_from(range(3)), shares)
def test_urgency_moved_up_one_label_never_lowers_what_rests(signals, waited, step, share):
    probabilities = signals.urgency or {"low": 1.0}
    moved = probabilities.get(URGENCIES[step], 0.0) * share
    higher = dict(probabilities)
    higher[URGENCIES[step]] = probabilities.get(URGENCIES[step], 0.0) - moved
    higher[URGENCIES[step + 1]] = probabilities.get(URGENCIES[step + 1], 0.0) + moved

    before = resting_priority(replace(signals, urgency=probabilities), Weights())
    after = resting_priority(replace(signals, urgency=higher), Weights())

    assert after.base >= before.base - 1e-9
    assert after.floor >= before.floor - 1e-9
    assert after.service_level_seconds <= before.service_level_seconds
    assert (
        value(replace(signals, urgency=higher), waited=waited)
        >= value(replace(signals, urgency=probabilities), waited=waited) - 1e-9
    )


@given(signals_, seconds, st.tuples(st.sampled_from(URGENCIES), st.sampled_from(URGENCIES)))
def test_a_more_urgent_label_never_ranks_lower_however_long_both_wait(signals, waited, labels):
    lower, higher = sorted(labels, key=URGENCIES.index)

    assert value(replace(signals, urgency={higher: 1.0}), waited=waited) >= value(
        replace(signals, urgency={lower: 1.0}), waited=waited
    )


ORDERED = {
    "declared_urgency": st.sampled_from(URGENCIES),
    "revenue": st.floats(0, 1e15),
    "complaint_size": st.integers(0, 10**6),
    "complaint_growth": st.floats(0, 1e6),
    "churn": shares,
}
ORDER = {"declared_urgency": URGENCIES.index}


@given(signals_, weights_, seconds, st.data(), st.sampled_from(sorted(ORDERED)))
def test_more_of_a_signal_never_lowers_it(signals, weights, waited, data, name):
    lower, higher = sorted(data.draw(st.tuples(ORDERED[name], ORDERED[name])), key=ORDER.get(name))

    assert value(replace(signals, **{name: higher}), weights, waited) >= (
        value(replace(signals, **{name: lower}), weights, waited) - 1e-9
    )


@given(signals_, weights_, seconds, declared_, declared_)
def test_a_text_that_declares_more_never_ranks_lower(signals, weights, waited, some, others):
    less, more = replace(signals, declares=some), replace(signals, declares=[*some, *others])

    assert value(more, weights, waited) >= value(less, weights, waited) - 1e-9
    assert value(less, weights, waited) >= value(replace(signals, declares=None), weights, waited) - 1e-9


@given(signals_, weights_, declared_)
def test_what_a_text_declares_earns_the_weight_of_the_term_at_most(signals, weights, declares):
    def base(signals):
        return resting_priority(signals, weights).base

    silent = replace(signals, declared_urgency=None, declares=None)
    gained = base(replace(signals, declares=declares)) - base(silent)
    assert -1e-9 <= gained <= weights.declared_urgency + 1e-9


@given(signals_, st.sampled_from(URGENCIES), declared_)
def test_of_what_the_customer_and_the_text_say_the_stronger_counts_alone(signals, label, declares):
    def declared(**given):
        silent = replace(signals, declared_urgency=None, declares=None)
        return resting_priority(replace(silent, **given), Weights()).terms[1]

    both = declared(declared_urgency=label, declares=declares)
    alone = [declared(declared_urgency=label), declared(declares=declares)]

    assert both.value == max(term.value or 0.0 for term in alone)
    for term in alone:
        assert (term.reason in both.reason) == (term.value == both.value)


@given(signals_, weights_, seconds)
def test_a_text_that_is_perhaps_no_feedback_ranks_as_any_other_and_the_reason_says_it(
    signals, weights, waited
):
    certain = replace(signals, non_feedback=False, urgency=signals.urgency or {"low": 1.0})
    doubtful = replace(certain, non_feedback=True)

    assert value(doubtful, weights, waited) == value(certain, weights, waited)
    reasons = [resting_priority(row, weights).terms[0].reason for row in (certain, doubtful)]
    assert reasons[1] == f"{reasons[0]}; perhaps no feedback at all"


@given(signals_, weights_, seconds, st.tuples(st.sampled_from(range(4)), st.sampled_from(range(4))))
def test_a_larger_type_of_account_never_lowers_it(signals, weights, waited, places):
    lower, higher = (TYPES_BY_VALUE[place] for place in sorted(places))

    assert value(replace(signals, account_type=higher), weights, waited) >= (
        value(replace(signals, account_type=lower), weights, waited) - 1e-9
    )


@given(signals_, weights_, seconds, shares, shares)
def test_a_more_negative_text_never_ranks_lower(signals, weights, waited, one, other):
    lower, higher = sorted((one, other))

    def with_negative(share):
        return replace(signals, sentiment={"negative": share, "neutral": 1 - share, "positive": 0.0})

    assert (
        value(with_negative(higher), weights, waited) >= value(with_negative(lower), weights, waited) - 1e-9
    )


@given(signals_, weights_, seconds, seconds)
def test_waiting_longer_never_lowers_it_and_counts_from_the_opening(signals, weights, one, other):
    lower, higher = sorted((one, other))

    assert value(signals, weights, higher) >= value(signals, weights, lower)
    assert value(signals, weights, min(0.0, lower)) == value(signals, weights, 0.0)


@given(signals_, seconds)
def test_waiting_stops_to_count_at_the_service_level(signals, waited):
    level = resting_priority(signals, Weights()).service_level_seconds

    assert value(signals, waited=level + abs(waited)) == value(signals, waited=level)


@given(signals_, weights_, shares, seconds)
def test_a_likely_critical_text_ranks_at_its_floor_at_least_whoever_wrote_it(
    signals, weights, critical, waited
):
    signals = replace(signals, urgency={"critical": critical, "low": 1 - critical})

    assert value(signals, weights, waited) >= 100 * FLOOR_SHARE * critical
    assert resting_priority(signals, weights).floor == pytest.approx(70 * critical)


@given(signals_, st.floats(REVENUE_CAP, 1e15))
def test_revenue_beyond_the_cap_raises_nothing(signals, revenue):
    assert value(replace(signals, revenue=revenue)) == value(replace(signals, revenue=REVENUE_CAP))


@given(signals_, st.integers(COMPLAINT_SIZE_CAP, 10**9))
def test_complaints_beyond_the_cap_raise_nothing(signals, size):
    capped = replace(signals, complaint_size=COMPLAINT_SIZE_CAP)

    assert value(replace(signals, complaint_size=size)) == value(capped)


def test_the_richest_account_cannot_starve_a_severe_complaint_of_a_small_one():
    rich = Signals(urgency={"low": 1.0}, sentiment={"negative": 1.0}, account_type="enterprise", revenue=1e15)
    poor = Signals(urgency={"critical": 1.0}, account_type="free", revenue=0.0)

    assert value(poor) > value(rich, waited=1e9)


@given(signals_, weights_, seconds)
def test_without_a_term_it_is_lower_by_that_but_never_below_the_floor(signals, weights, waited):
    priority = priority_at(resting_priority(signals, weights), weights, waited_seconds=waited)
    *others, floor = priority.terms

    assert priority.without(floor) == pytest.approx(priority.value - floor.contribution)
    for term in others:
        rest = sum(other.contribution for other in others if other is not term)
        assert priority.without(term) == pytest.approx(max(rest, priority.floor))


@given(signals_, weights_, seconds)
def test_it_depends_on_nothing_but_its_own_signals(signals, weights, waited):
    first = priority_at(resting_priority(signals, weights), weights, waited_seconds=waited)
    priority_at(resting_priority(Signals(), Weights()), Weights(), waited_seconds=5.0)

    assert priority_at(resting_priority(signals, weights), weights, waited_seconds=waited) == first


def test_a_text_that_nothing_is_known_of_still_waits():
    resting = resting_priority(Signals(), Weights())

    assert (resting.base, resting.floor) == (0.0, 0.0)
    assert resting.service_level_seconds == UNKNOWN_SERVICE_LEVEL_SECONDS
    assert value(Signals(), waited=UNKNOWN_SERVICE_LEVEL_SECONDS / 2) == 7.5


@pytest.mark.parametrize("label", URGENCIES)
def test_the_service_level_is_that_of_the_median_urgency_the_more_severe_of_two(label):
    assert (
        resting_priority(Signals(urgency={label: 1.0}), Weights()).service_level_seconds
        == (SERVICE_LEVEL_SECONDS[label])
    )
    equal = Signals(urgency=dict.fromkeys(URGENCIES, 0.25))
    assert resting_priority(equal, Weights()).service_level_seconds == SERVICE_LEVEL_SECONDS["high"]


def test_a_little_more_severity_does_not_buy_more_time():
    before = {"low": 0.39, "medium": 0.40, "high": 0.16, "critical": 0.05}
    after = {"low": 0.39, "medium": 0.38, "high": 0.16, "critical": 0.07}
    waited = 72 * 3600.0
    assert value(Signals(urgency=after), waited=waited) > value(Signals(urgency=before), waited=waited)


@pytest.mark.parametrize(
    ("label", "declares", "expected", "reason"),
    [
        (None, None, None, "the customer did not say how urgent it is"),
        (None, (), None, "the customer did not say how urgent it is"),
        ("low", (), 0.0, "the customer says low"),
        (None, ("urgent", "deadline"), 0.85, "the text says: urgent, deadline"),
        (None, ("legal", "urgent"), 1.0, "the text says: legal, urgent"),
        ("low", ("urgent",), 0.85, "the text says: urgent"),
        ("critical", ("urgent",), 1.0, "the customer says critical"),
        ("high", ("deadline",), 0.85, "the customer says high; the text says: deadline"),
    ],
)
def test_declared_urgency_says_whose_word_it_is(label, declares, expected, reason):
    signals = Signals(declared_urgency=label, declares=declares)
    term = resting_priority(signals, Weights()).terms[1]

    assert (term.name, term.value, term.reason) == ("declared_urgency", expected, reason)


def test_everything_that_a_text_can_declare_has_its_urgency():
    assert tuple(DECLARED_AS) == DECLARED
    assert set(DECLARED_AS.values()) <= set(URGENCIES)


def test_severity_and_service_levels_follow_the_order_of_the_labels():
    assert sorted(URGENCIES, key=SEVERITY.__getitem__) == list(URGENCIES)
    assert sorted(URGENCIES, key=SERVICE_LEVEL_SECONDS.__getitem__, reverse=True) == list(URGENCIES)


def test_reasons_say_what_was_known():
    signals = Signals(
        urgency={"critical": 0.08, "high": 0.71, "medium": 0.21},
        declared_urgency="high",
        account_type="enterprise",
        revenue=250_000.0,
    )
    priority = priority_at(resting_priority(signals, Weights()), Weights(), waited_seconds=4 * 3_600)
    reasons = {term.name: term.reason for term in priority.terms}

    assert reasons == {
        "urgency": "critical 8%, high 71%, medium 21%",
        "declared_urgency": "the customer says high",
        "sentiment": "no model has judged the sentiment",
        "account_value": "enterprise, revenue 250,000 (capped)",
        "complaint": "belongs to no recurring complaint",
        "churn": "announces leaving: unknown",
        "waiting": "50% of 8 h to a first answer passed",
        "severity_floor": "the other terms already rank it where its severity asks for",
    }
