import numpy as np
import pytest

from models.labels import NON_FEEDBACK, SENTIMENTS, SIGNALS, TOPICS, URGENCIES
from training.datasets.example import Example
from training.experiment import Calibrating
from training.folds import grouped_folds
from training.labels import LABELS, flags_of, truth_of
from training.readings import KINDS, CalibratedHead, calibrate_head, calibrate_signals, cross_fitted
from training.tuning import best_f1_threshold, calibrated, fit_independent

COUNT = 240
SETTINGS = Calibrating(folds=4, suggest_coverage=0.8, apply_accuracy={"sentiment": 0.95}, urgent_recall=0.9)


def example(number, source="gold", **labels):
    return Example(
        id=str(number),
        text=str(number),
        lang="en",
        source=source,
        group=f"g{number // 2}",
        role="validation",
        **labels,
    )


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return [
        example(
            number,
            sentiment=str(rng.choice(SENTIMENTS)),
            urgency=str(rng.choice(URGENCIES)),
            topics=tuple(map(str, rng.choice(TOPICS, size=1 + number % 2, replace=False))),
        )
        for number in range(COUNT)
    ]


def knowing(head, rows, seed=1):
    """Logits that know the truth more often than not."""
    rng = np.random.default_rng(seed)
    if head == "urgency":
        told = (truth_of(head, rows)[:, None] > np.arange(3)) * 2.0 - 1.0
    elif head in {"topics", "signals"}:
        told = flags_of(head, rows) * 3.0 - 2.0
    else:
        told = np.eye(3)[truth_of(head, rows)] * 2.0
    return told + rng.normal(size=told.shape)


@pytest.mark.parametrize("head", ["sentiment", "urgency", "topics"])
def test_a_head_reads_what_serving_reads(head, rows):
    logits = knowing(head, rows)
    fitted = calibrate_head(head, logits, rows, SETTINGS)
    width = logits.shape[1]
    served = fitted.manifest.with_weights(np.eye(width, dtype=np.float32), np.zeros(width, dtype=np.float32))
    reading = fitted.read(logits)
    expected = served.probabilities(logits.astype(np.float32))
    np.testing.assert_allclose(reading.probabilities, expected, atol=1e-5)
    assert fitted.manifest.labels == LABELS[head]
    assert fitted.manifest.kind == KINDS[head]
    # What each of the three decisions of serving is here.
    for row in range(40):
        decision = served.decide(float(reading.probabilities[row].max()), answers=True)
        told = {(False, False): "abstain", (True, False): "suggest", (True, True): "apply"}
        assert told[bool(reading.suggested[row]), bool(reading.applied[row])] == decision


@pytest.mark.parametrize("head", ["sentiment", "urgency", "topics"])
def test_suggestions_cover_the_share_asked_for(head, rows):
    logits = knowing(head, rows)
    suggested = calibrate_head(head, logits, rows, SETTINGS).read(logits).suggested
    assert SETTINGS.suggest_coverage <= suggested.mean() < SETTINGS.suggest_coverage + 0.02


@pytest.mark.parametrize(("head", "target"), [("sentiment", 0.95), ("urgency", 0.9)])
def test_what_is_applied_is_as_accurate_as_asked_for(head, target, rows):
    logits = knowing(head, rows)
    fitted = calibrate_head(head, logits, rows, SETTINGS)
    reading = fitted.read(logits)
    right = reading.probabilities.argmax(axis=1) == truth_of(head, rows)
    assert reading.applied.sum() >= 20
    assert right[reading.applied].mean() >= target
    assert right.mean() < target
    assert fitted.manifest.apply_from > fitted.manifest.suggest_from


def test_a_topic_that_is_not_the_main_one_is_right_too(rows):
    logits = knowing("topics", rows)
    reading = calibrate_head("topics", logits, rows, SETTINGS).read(logits)
    applies = flags_of("topics", rows) > 0
    right = applies[np.arange(COUNT), reading.probabilities.argmax(axis=1)]
    assert right[reading.applied].mean() >= 0.9
    main = reading.probabilities.argmax(axis=1) == truth_of("topics", rows)
    assert main[reading.applied].mean() < 0.9


def test_a_head_that_is_always_right_applies_no_less_than_it_suggests(rows):
    logits = np.eye(3)[truth_of("sentiment", rows)] * 4
    manifest = calibrate_head("sentiment", logits, rows, SETTINGS).manifest
    assert manifest.apply_from == manifest.suggest_from


def test_a_head_that_knows_nothing_applies_nothing(rows):
    logits = np.random.default_rng(3).normal(size=(COUNT, 3))
    fitted = calibrate_head("sentiment", logits, rows, SETTINGS)
    assert fitted.manifest.apply_from == 1.0
    assert not fitted.read(logits).applied.any()


def test_the_operating_point_finds_the_share_of_urgent_texts_asked_for(rows):
    logits = knowing("urgency", rows)
    fitted = calibrate_head("urgency", logits, rows, SETTINGS)
    reading, urgent = fitted.read(logits), truth_of("urgency", rows) >= 2
    assert reading.urgent[urgent].mean() >= SETTINGS.urgent_recall
    higher = reading.probabilities[:, 2:].sum(axis=1) >= fitted.urgent_from + 0.01
    assert higher[urgent].mean() < SETTINGS.urgent_recall


def test_thresholds_of_topics_call_what_reaches_them(rows):
    logits = knowing("topics", rows)
    fitted = calibrate_head("topics", logits, rows, SETTINGS)
    reading = fitted.read(logits)
    assert len(fitted.manifest.thresholds) == 15
    np.testing.assert_array_equal(
        reading.called, reading.probabilities >= np.array(fitted.manifest.thresholds)
    )


def test_labels_without_thresholds_are_called_from_a_half():
    manifest = calibrate_head(
        "sentiment", np.zeros((30, 3)), [example(n, sentiment="neutral") for n in range(30)], SETTINGS
    ).manifest
    reading = CalibratedHead(manifest=manifest, urgent_from=0.5).read(np.array([[0.0, 9.0, 0.0]]))
    assert reading.called.tolist() == [[False, True, False]]


def signal_rows():
    """Written texts in which somebody looked, non-feedback, and real texts in which nobody did."""
    told = [(), ("churn_risk",), ("urgent", "deadline"), ("legal",)]
    texts = [example(number, "texts", signals=told[number % 4]) for number in range(120)]
    noise = [example(200 + number, "non_feedback", signals=(NON_FEEDBACK,)) for number in range(30)]
    real = [example(300 + number, "gold", urgency="low") for number in range(60)]
    return [*texts, *noise, *real]


def test_rows_where_nobody_looked_count_for_non_feedback_alone():
    rows = signal_rows()
    logits = knowing("signals", rows)
    other = logits.copy()
    other[150:] += np.random.default_rng(9).normal(size=(60, len(SIGNALS))) * 3
    one, two = (calibrate_signals(values, rows, SETTINGS).manifest for values in (logits, other))
    *looked_for, non_feedback = range(len(SIGNALS))
    for place in looked_for:
        assert one.temperature[place] == two.temperature[place]
        assert one.shift[place] == two.shift[place]
        assert one.thresholds[place] == two.thresholds[place]
    assert one.temperature[non_feedback] != two.temperature[non_feedback]


def test_what_a_writer_says_is_looked_for_in_feedback_alone():
    rows = signal_rows()
    logits = knowing("signals", rows)
    other = logits.copy()
    other[120:150] += np.random.default_rng(8).normal(size=(30, len(SIGNALS))) * 3
    one, two = (calibrate_signals(values, rows, SETTINGS).manifest for values in (logits, other))
    assert one.temperature[:-1] == two.temperature[:-1]
    assert one.thresholds[:-1] == two.thresholds[:-1]
    assert one.temperature[-1] != two.temperature[-1]


def test_what_a_writer_says_is_calibrated_on_feedback_in_which_somebody_looked():
    """The oracle: each signal by itself, fitted to the written texts and to nothing else."""
    rows = signal_rows()
    logits = knowing("signals", rows)
    found = calibrate_signals(logits, rows, SETTINGS).manifest
    present, even = flags_of("signals", rows[:120]), np.ones(120)
    all_looked_at = fit_independent(logits[:150], flags_of("signals", rows[:150]), np.ones(150))
    for place, signal in enumerate(SIGNALS[:-1]):
        scores, truth = logits[:120, [place]], present[:, [place]]
        oracle = fit_independent(scores, truth, even)
        probabilities = calibrated("sigmoid", scores, oracle)[:, 0]
        told = (found.temperature[place], found.shift[place])
        assert told == (oracle.temperature[0], oracle.shift[0]), signal
        assert found.thresholds[place] == best_f1_threshold(probabilities, truth[:, 0], even)
        assert told != (all_looked_at.temperature[place], all_looked_at.shift[place])


def test_the_share_of_non_feedback_asked_for_is_noticed():
    rows = signal_rows()
    logits = knowing("signals", rows)
    fitted = calibrate_signals(logits, rows, SETTINGS)
    called = fitted.read(logits).called[:, SIGNALS.index(NON_FEEDBACK)]
    assert called[120:150].mean() >= SETTINGS.non_feedback_recall
    assert called[150:].mean() < 0.5


def test_sources_count_as_wholes_for_signals():
    rows = signal_rows()
    logits = knowing("signals", rows)
    # The written texts three times over: a larger source, which says the same.
    more = [*rows, *rows[:120], *rows[:120]]
    one = calibrate_signals(logits, rows, SETTINGS).manifest
    two = calibrate_signals(np.concatenate([logits, logits[:120], logits[:120]]), more, SETTINGS).manifest
    assert two.shift[-1] == pytest.approx(one.shift[-1], abs=0.1)
    assert two.thresholds[-1] == one.thresholds[-1]


def test_a_signal_is_called_and_not_chosen():
    fitted = calibrate_signals(knowing("signals", signal_rows()), signal_rows(), SETTINGS)
    assert (fitted.manifest.kind, fitted.manifest.labels) == ("sigmoid", SIGNALS)
    assert (fitted.manifest.suggest_from, fitted.manifest.apply_from) == (0.0, 0.0)


def folds_of(rows, labels):
    groups, strata = (
        [row.group for row in rows],
        [f"{row.source}/{label}" for row, label in zip(rows, labels, strict=True)],
    )
    return grouped_folds(groups, strata, folds=SETTINGS.folds, seed=0)


def test_signals_are_read_by_what_the_other_folds_say_too():
    rows = signal_rows()
    logits = knowing("signals", rows)
    folds = folds_of(rows, ["+".join(row.signals or ()) for row in rows])
    found = cross_fitted("signals", logits, rows, SETTINGS, seed=0)
    for fold in range(SETTINGS.folds):
        inside, outside = folds == fold, folds != fold
        rest = [row for row, out in zip(rows, outside, strict=True) if out]
        expected = calibrate_signals(logits[outside], rest, SETTINGS).read(logits[inside])
        np.testing.assert_array_equal(found.probabilities[inside], expected.probabilities)
        np.testing.assert_array_equal(found.called[inside], expected.called)


def test_every_fold_has_non_feedback_and_feedback_of_both_kinds():
    rows = signal_rows()
    folds = folds_of(rows, ["+".join(row.signals or ()) for row in rows])
    for fold in range(SETTINGS.folds):
        sources = {row.source for row, place in zip(rows, folds.tolist(), strict=True) if place == fold}
        assert sources == {"texts", "non_feedback", "gold"}


def test_the_reading_of_some_rows_is_that_of_their_logits(rows):
    logits = knowing("urgency", rows)
    fitted, places = calibrate_head("urgency", logits, rows, SETTINGS), [7, 3, 3, 100]
    some, expected = fitted.read(logits).of(places), fitted.read(logits[places])
    for name in ("probabilities", "suggested", "applied", "called", "urgent"):
        np.testing.assert_array_equal(getattr(some, name), getattr(expected, name))


def test_what_is_no_feedback_is_neither_suggested_nor_applied_and_its_probabilities_stay(rows):
    logits = knowing("sentiment", rows)
    reading = calibrate_head("sentiment", logits, rows, SETTINGS).read(logits)
    flags = np.arange(COUNT) % 3 == 0
    silent = reading.silent_where(flags)
    assert reading.suggested[flags].any()
    assert not (silent.suggested[flags] | silent.applied[flags]).any()
    np.testing.assert_array_equal(silent.suggested[~flags], reading.suggested[~flags])
    np.testing.assert_array_equal(silent.applied[~flags], reading.applied[~flags])
    np.testing.assert_array_equal(silent.probabilities, reading.probabilities)


@pytest.mark.parametrize("head", ["sentiment", "urgency", "topics"])
def test_every_row_is_read_by_what_the_other_folds_say(head, rows):
    logits = knowing(head, rows)
    labels = [row.topic if head == "topics" else getattr(row, head) for row in rows]
    folds = folds_of(rows, labels)
    found = cross_fitted(head, logits, rows, SETTINGS, seed=0)
    assert set(folds.tolist()) == set(range(SETTINGS.folds))
    for fold in range(SETTINGS.folds):
        inside, outside = folds == fold, folds != fold
        rest = [row for row, out in zip(rows, outside, strict=True) if out]
        expected = calibrate_head(head, logits[outside], rest, SETTINGS).read(logits[inside])
        for name in ("probabilities", "suggested", "applied", "called", "urgent"):
            np.testing.assert_array_equal(getattr(found, name)[inside], getattr(expected, name))


def test_a_row_changes_how_other_folds_are_read_but_not_its_own(rows):
    logits = knowing("sentiment", rows)
    folds = folds_of(rows, [row.sentiment for row in rows])
    other = logits.copy()
    other[0] = [-30.0, 40.0, 5.0]
    before, after = (cross_fitted("sentiment", values, rows, SETTINGS, seed=0) for values in (logits, other))
    own = (folds == folds[0]) & (np.arange(COUNT) != 0)
    np.testing.assert_array_equal(before.probabilities[own], after.probabilities[own])
    assert not np.isclose(
        before.probabilities[folds != folds[0]], after.probabilities[folds != folds[0]]
    ).all()


def test_rows_of_a_group_are_never_read_by_each_other(rows):
    folds = folds_of(rows, [row.sentiment for row in rows])
    assert folds[::2].tolist() == folds[1::2].tolist()


def test_reading_again_gives_the_same_and_another_seed_another(rows):
    logits = knowing("urgency", rows)
    one, again, other = (cross_fitted("urgency", logits, rows, SETTINGS, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.probabilities, again.probabilities)
    assert not np.array_equal(one.probabilities, other.probabilities)
