from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from models.complaints.alerts import AlertRules, advance, episode_of
from models.complaints.bursts import burst, daily_counts, shared_dispersion, weekday_shares
from models.complaints.tails import count_tail

SUNDAY = date(2026, 11, 22)
RULES = AlertRules()


@given(
    observed=st.integers(0, 400), mean=st.floats(0.01, 200), dispersion=st.sampled_from([1.0, 1.2, 3.0, 20.0])
)
def test_tails_are_those_of_scipy(observed, mean, dispersion):
    law = stats.poisson(mean) if dispersion == 1 else stats.nbinom(mean / (dispersion - 1), 1 / dispersion)
    assert count_tail(observed, mean, dispersion) == pytest.approx(law.sf(observed - 1), rel=1e-6, abs=1e-290)


@pytest.mark.parametrize(("observed", "mean", "dispersion"), [(-1, 1, 1), (1, 0, 1), (1, 1, 0.5)])
def test_numbers_out_of_range_are_refused(observed, mean, dispersion):
    with pytest.raises(ValueError, match="expected a count"):
        count_tail(observed, mean, dispersion)


def test_days_outside_are_not_counted():
    days = [SUNDAY, SUNDAY - timedelta(days=6), SUNDAY - timedelta(days=7), SUNDAY + timedelta(days=1)]
    assert daily_counts(days, until=SUNDAY, length=7) == [1, 0, 0, 0, 0, 0, 1]


def test_the_weekday_pattern_is_the_tenant_s_own_and_flat_without_traffic():
    shares = weekday_shares([10, 10, 10, 10, 10, 0, 0] * 20, until=SUNDAY)
    assert shares[0] == pytest.approx(1.4, abs=0.1)
    assert shares[6] < 0.3
    assert weekday_shares([0] * 30, until=SUNDAY) == (1.0,) * 7


def test_a_busy_monday_after_a_dead_weekend_is_no_burst():
    monday = SUNDAY + timedelta(days=1)
    week = [8, 2, 2, 2, 2, 0, 0]
    counts = [*(week * 13), 8]
    shares = weekday_shares([count * 20 for count in counts], until=monday)
    assert burst(counts, until=monday, weekdays=shares).p_value > 0.05
    assert burst(counts, until=monday).p_value < 0.05


def test_three_texts_after_months_of_silence_are_surprising_and_one_is_not():
    silent = [0] * 91
    assert burst([*silent, 1], until=SUNDAY).p_value > 1e-3
    assert burst([*silent, 4], until=SUNDAY).p_value < 1e-6


def test_too_short_a_past_is_refused():
    with pytest.raises(ValueError, match="at least 8 days"):
        burst([1] * 7, until=SUNDAY)


def test_flocks_in_the_past_make_a_flock_less_surprising():
    calm, flocks = [1] * 91, ([0] * 6 + [7]) * 13
    assert burst([*flocks, 7], until=SUNDAY).p_value > 100 * burst([*calm, 7], until=SUNDAY).p_value
    assert shared_dispersion([calm], until=SUNDAY) == 1
    assert shared_dispersion([flocks, calm], until=SUNDAY) > 2
    assert shared_dispersion([], until=SUNDAY) == 1


def story(counts, **given):
    """Walk through the days after the first 90; return what changed on which of them."""
    alert, changes = None, []
    start = SUNDAY - timedelta(days=len(counts) - 1)
    for place in range(90, len(counts)):
        day = start + timedelta(days=place)
        test = burst(counts[: place + 1], until=day, episode=episode_of(alert, day=day, rules=RULES))
        alert, change = advance(alert, test, complaints=50, rules=RULES)
        if change:
            changes.append((place - 90, change))
    return alert, changes


def test_one_alert_an_episode_closed_when_calm_and_reopened_when_it_returns():
    quiet = [0, 1, 0, 0, 1, 0, 0] * 13
    counts = [*quiet[:90], *[8] * 10, *quiet[:21], *[9] * 5, *quiet[:30]]
    alert, changes = story(counts)
    assert [change for _, change in changes] == ["raised", "closed", "reopened", "closed"]
    assert changes[0][0] == 0
    assert alert.times == 2
    assert alert.until is not None


def test_a_level_that_stays_is_no_episode_for_ever():
    alert, changes = story([*[0, 1, 0] * 30, *[6] * 120])
    assert [change for _, change in changes] == ["raised", "closed"]
    assert alert.until is not None


def test_calm_days_raise_nothing():
    assert story([0, 1, 0, 2, 1, 0, 0] * 20) == (None, [])


def test_false_alarms_keep_to_the_budget():
    rng = np.random.default_rng(0)
    counts = rng.negative_binomial(0.4, 0.5, size=(40, 90 + 120))
    raised = 0
    for series in counts.tolist():
        raised += sum(change in {"raised", "reopened"} for _, change in story(series)[1])
    assert raised <= 3
