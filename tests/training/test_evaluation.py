from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score

from models.labels import NON_FEEDBACK, SENTIMENTS, TOPICS, URGENCIES
from training.datasets.example import Example
from training.evaluation import ReportRows, measure
from training.folds import dense_groups
from training.labels import LABELS, truth_of
from training.metrics import resamples
from training.readings import Reading

COUNT = 120
LANGUAGES = ("de", "en", "fi")


def example(number, **labels):
    return Example(
        id=str(number),
        text=str(number),
        lang=LANGUAGES[number % 3],
        source="gold",
        group=str(number // 2),
        role="validation",
        **labels,
    )


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(1)
    return tuple(
        example(
            number,
            sentiment=str(rng.choice(SENTIMENTS)),
            urgency=str(rng.choice(URGENCIES)),
            topics=(str(rng.choice(TOPICS)),),
        )
        for number in range(COUNT)
    )


def reading(head, count=COUNT):
    labels = len(LABELS[head])
    probabilities = np.random.default_rng(labels).dirichlet(np.ones(labels), count)
    confidence = probabilities.max(axis=1)
    return Reading(
        probabilities=probabilities,
        suggested=confidence >= 0.5,
        applied=confidence >= 0.7,
        called=probabilities >= 0.4,
        urgent=probabilities[:, 2:].sum(axis=1) >= 0.5,
    )


@pytest.fixture(scope="module")
def baselines():
    rng = np.random.default_rng(7)
    return {
        "sentiment": {"word list": rng.integers(0, 3, COUNT), "frozen linear": rng.integers(0, 3, COUNT)},
        "urgency": {"frozen linear": rng.integers(0, 4, COUNT)},
    }


@pytest.fixture(scope="module")
def report(rows, baselines):
    readings = {head: reading(head) for head in ("sentiment", "urgency", "topics")}
    return ReportRows(name="gold", examples=rows, readings=readings, baselines=baselines)


@pytest.fixture(scope="module")
def found(report):
    return {(m.head, m.metric, m.language): m for m in measure(report, seed=0)}


def test_no_heads_give_no_figures(rows):
    assert measure(ReportRows(name="gold", examples=rows, readings={}), seed=0) == []


def test_rows_without_a_label_of_a_head_are_not_counted_for_it(rows):
    mixed = tuple(row if number % 4 else example(number) for number, row in enumerate(rows))
    report = ReportRows(name="gold", examples=mixed, readings={"urgency": reading("urgency", 90)})
    overall = next(m for m in measure(report, seed=0) if m.metric == "accuracy" and m.language == "all")
    truth = truth_of("urgency", [row for row in mixed if row.urgency])
    expected = accuracy_score(truth, reading("urgency", 90).probabilities.argmax(axis=1))
    assert (overall.n, overall.value) == (90, pytest.approx(expected))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_is_measured_on_its_own_rows(found, report, rows, language):
    here = np.array([row.lang == language for row in rows])
    truth = truth_of("urgency", rows)[here]
    chosen = report.readings["urgency"].probabilities[here].argmax(axis=1)
    expected = f1_score(truth, chosen, average="macro")
    measured = found["urgency", "macro_f1", language]
    assert (measured.n, measured.value) == (40, pytest.approx(expected))


def test_the_mean_of_languages_is_that_of_their_own_figures_whatever_their_sizes(found):
    own = [found["urgency", "macro_f1", language].value for language in LANGUAGES]
    assert found["urgency", "macro_f1_mean_of_languages", "all"].value == pytest.approx(np.mean(own))


def test_finnish_is_held_against_all_rows_with_an_interval(found):
    difference = found["urgency", "finnish_accuracy_minus_all", "all"]
    accuracies = [found["urgency", "accuracy", language].value for language in ("fi", "all")]
    assert difference.value == pytest.approx(accuracies[0] - accuracies[1])
    assert difference.low < difference.value < difference.high


def test_languages_are_compared_as_by_hand():
    """Finnish is all right; of German every text is called negative; three Swedish ones are too few."""
    told = {"fi": ["negative", "positive"] * 5, "de": ["negative", "positive"] * 10}
    told |= {"sv": ["negative"] * 3}
    rows = [(language, label) for language, labels in told.items() for label in labels]
    said = {"fi": lambda label: label, "de": lambda _: "negative", "sv": lambda _: "positive"}
    examples = tuple(
        replace(example(number, sentiment=label), lang=language)
        for number, (language, label) in enumerate(rows)
    )
    chosen = [SENTIMENTS.index(said[language](label)) for language, label in rows]
    answers = replace(reading("sentiment", len(rows)), probabilities=np.eye(3)[chosen])
    report = ReportRows(name="gold", examples=examples, readings={"sentiment": answers})
    figures = {m.metric: m.value for m in measure(report, seed=0) if m.language == "all"}
    # German: F1 of negative is 2 * 10 / (20 + 10), that of positive is 0.
    assert figures["macro_f1_mean_of_languages"] == pytest.approx((1 + (2 / 3 + 0) / 2) / 2)
    # The Swedish ones, all wrong, are among all rows.
    assert figures["finnish_accuracy_minus_all"] == pytest.approx(1 - (10 + 10 + 0) / 33)


@pytest.mark.parametrize(
    ("languages", "expected"),
    [
        ({"fi": 30}, set()),
        ({"fi": 20, "de": 9}, set()),
        ({"sv": 20, "de": 10}, {"macro_f1_mean_of_languages"}),
        ({"fi": 10, "de": 20}, {"macro_f1_mean_of_languages", "finnish_accuracy_minus_all"}),
        ({"fi": 9, "de": 20, "sv": 10}, {"macro_f1_mean_of_languages"}),
    ],
)
def test_languages_are_compared_where_two_or_more_have_enough_rows(languages, expected):
    names = [name for name, count in languages.items() for _ in range(count)]
    examples = tuple(
        replace(example(number, sentiment=SENTIMENTS[number % 3]), lang=name)
        for number, name in enumerate(names)
    )
    said = {"sentiment": reading("sentiment", len(names))}
    measured = measure(ReportRows(name="gold", examples=examples, readings=said), seed=0)
    across = {"macro_f1_mean_of_languages", "finnish_accuracy_minus_all"}
    assert {m.metric for m in measured} & across == expected


def test_languages_have_fewer_figures_than_all_together(found):
    metrics = {
        language: {metric for head, metric, of in found if of == language and head == "urgency"}
        for language in ("all", "de")
    }
    assert metrics["de"] < metrics["all"]
    assert metrics["de"] == {
        "macro_f1",
        "accuracy",
        "quadratic_kappa",
        "brier",
        "calibration_error",
        "calibration_p",
    }


def test_a_baseline_is_measured_on_the_same_rows_by_the_same_metric(found, rows, baselines):
    truth, chosen = truth_of("urgency", rows), baselines["urgency"]["frozen linear"]
    of_all = {
        m: found["urgency", m, "all"].baselines["frozen linear"].value
        for m in ("macro_f1", "quadratic_kappa")
    }
    assert of_all == pytest.approx(
        {
            "macro_f1": f1_score(truth, chosen, average="macro"),
            "quadratic_kappa": cohen_kappa_score(truth, chosen, weights="quadratic"),
        }
    )
    here = np.array([row.lang == "fi" for row in rows])
    of_finnish = found["urgency", "accuracy", "fi"].baselines["frozen linear"].value
    assert of_finnish == pytest.approx(accuracy_score(truth[here], chosen[here]))


@pytest.mark.parametrize("language", ["all", "fi"])
def test_the_interval_of_a_baseline_is_that_of_the_same_draws_of_groups(found, rows, baselines, language):
    here = [place for place, row in enumerate(rows) if language in {"all", row.lang}]
    truth, chosen = truth_of("urgency", rows), baselines["urgency"]["frozen linear"]
    draws = resamples(dense_groups([rows[place].group for place in here]), seed=0, count=1000)
    values = [accuracy_score(truth[here][draw], chosen[here][draw]) for draw in draws]
    low, high = np.percentile(values, [2.5, 97.5])
    told = found["urgency", "accuracy", language].baselines["frozen linear"]
    assert (told.low, told.high) == (pytest.approx(low), pytest.approx(high))
    assert told.low < told.value < told.high


@pytest.mark.parametrize("language", ["all", *LANGUAGES])
def test_the_commonest_label_is_that_of_the_rows_reported_on(found, rows, language):
    here = np.array([language in {"all", row.lang} for row in rows])
    truth = truth_of("sentiment", rows)[here]
    commonest = np.full(len(truth), np.bincount(truth).argmax())
    expected = f1_score(truth, commonest, average="macro", zero_division=0)
    measured = found["sentiment", "macro_f1", language].baselines["commonest label"]
    assert measured.value == pytest.approx(expected)
    assert measured.low <= measured.high


def test_the_word_list_is_compared_with_where_it_knows_all_the_languages(found):
    told = {
        language: "word list" in found["sentiment", "macro_f1", language].baselines
        for language in ("all", *LANGUAGES)
    }
    assert told == {"all": False, "de": False, "en": True, "fi": False}


def test_figures_that_a_baseline_has_not_have_none(found):
    assert found["urgency", "brier", "all"].baselines == {}


def test_signals_have_figures_and_no_baselines(rows):
    noise = tuple(example(number, signals=(NON_FEEDBACK,) if number % 2 else ()) for number in range(COUNT))
    report = ReportRows(name="non_feedback", examples=noise, readings={"signals": reading("signals")})
    measured = measure(report, seed=0)
    assert {(m.metric, m.language) for m in measured} == {
        (f"non_feedback_{name}", "all") for name in ("recall", "precision", "false_alarms", "brier")
    }
    assert all(m.baselines == {} for m in measured)


def test_every_figure_but_a_p_value_has_an_interval_around_it(found):
    for measurement in found.values():
        if measurement.metric == "calibration_p":
            assert (measurement.low, measurement.high) == (None, None)
            continue
        assert measurement.low <= measurement.high
        # Statistics that few rows bias may leave their own interval.
        if measurement.metric not in {"ece", "calibration_error", "macro_f1", "quadratic_kappa"}:
            assert measurement.low - 1e-9 <= measurement.value <= measurement.high + 1e-9


def test_an_interval_of_pairs_is_that_of_half_as_many_rows(rows):
    """Rows of one group say the same: there are half as many of them as it seems."""
    doubled = tuple(example(number, sentiment=rows[number // 2].sentiment) for number in range(COUNT))
    said = reading("sentiment", COUNT // 2)
    twice = Reading(
        **{name: np.repeat(getattr(said, name), 2, axis=0) for name in Reading.__dataclass_fields__}
    )
    halves = tuple(example(2 * number, sentiment=rows[number].sentiment) for number in range(COUNT // 2))
    widths = []
    for examples, answers in ((doubled, twice), (halves, said)):
        report = ReportRows(name="gold", examples=examples, readings={"sentiment": answers})
        overall = next(m for m in measure(report, seed=0) if m.metric == "accuracy" and m.language == "all")
        widths.append(overall.high - overall.low)
    assert widths[0] == pytest.approx(widths[1], rel=0.1)


def test_measuring_again_gives_the_same_and_another_seed_other_intervals(report, found):
    assert measure(report, seed=0) == list(found.values())
    other = {(m.head, m.metric, m.language): m for m in measure(report, seed=1)}
    key = ("urgency", "macro_f1", "all")
    assert other[key].value == found[key].value
    assert other[key].low != found[key].low
