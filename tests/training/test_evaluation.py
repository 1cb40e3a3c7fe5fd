import numpy as np
import pytest
from sklearn.metrics import accuracy_score, brier_score_loss, cohen_kappa_score, f1_score, recall_score

from models.heads import Heads, LinearHead
from models.labels import SENTIMENTS, TOPICS, URGENCIES
from training.datasets.example import Example
from training.evaluation import measure

COUNT, WIDTH = 120, 8


@pytest.fixture(scope="module")
def heads():
    rng = np.random.default_rng(0)

    def head(kind, labels, **changes):
        rows = len(labels) - (kind == "sequential")
        weight = rng.normal(size=(rows, WIDTH)).astype(np.float32)
        return LinearHead(kind=kind, labels=labels, weight=weight, bias=np.zeros(rows, np.float32), **changes)

    return Heads(
        sentiment=head("softmax", SENTIMENTS, abstain_below=0.6),
        urgency=head("sequential", URGENCIES),
        topics=head("sigmoid", TOPICS, thresholds=(0.6,) * 15),
    )


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(1)
    topics = [tuple(rng.choice(TOPICS, size=1 + n % 2, replace=False)) for n in range(COUNT)]
    return [
        Example(
            id=str(n),
            text=str(n),
            lang="fi" if n % 3 else "de",
            source="gold",
            group=str(n // 2),
            role="report",
            sentiment=str(rng.choice(SENTIMENTS)),
            urgency=str(rng.choice(URGENCIES)),
            topics=tuple(map(str, topics[n])),
        )
        for n in range(COUNT)
    ]


@pytest.fixture(scope="module")
def features():
    return np.random.default_rng(2).normal(size=(COUNT, WIDTH)).astype(np.float32)


@pytest.fixture(scope="module")
def found(heads, rows, features):
    measured = measure(heads, urgent_from=0.5, rows="gold", examples=rows, features=features, seed=0)
    return {(m.head, m.metric, m.language): m for m in measured}


def indexes(labels, names):
    return np.array([labels.index(name) for name in names])


@pytest.fixture(scope="module")
def urgency(heads, rows, features):
    probabilities = heads.urgency.probabilities(features)
    return indexes(URGENCIES, [row.urgency for row in rows]), probabilities


def test_urgency_figures_equal_scikit_learn(found, urgency):
    truth, probabilities = urgency
    chosen = probabilities.argmax(axis=1)
    expected = {
        "macro_f1": f1_score(truth, chosen, average="macro"),
        "accuracy": accuracy_score(truth, chosen),
        "quadratic_kappa": cohen_kappa_score(truth, chosen, weights="quadratic"),
        "brier": brier_score_loss(truth, probabilities, labels=range(4), scale_by_half=False),
        "urgent_recall_of_labels": recall_score(truth >= 2, chosen >= 2),
        "urgent_recall": recall_score(truth >= 2, probabilities[:, 2:].sum(axis=1) >= 0.5),
    }
    assert {name: found["urgency", name, "all"].value for name in expected} == pytest.approx(expected)


def test_topic_figures_are_those_of_the_main_topic_and_of_all_topics(found, heads, rows, features):
    probabilities = heads.topics.probabilities(features)
    truth = indexes(TOPICS, [row.topics[0] for row in rows])
    applies = np.array([[topic in row.topics for topic in TOPICS] for row in rows])
    expected = {
        "macro_f1": f1_score(truth, probabilities.argmax(axis=1), average="macro", zero_division=0),
        "micro_f1_all_topics": f1_score(applies, probabilities >= 0.6, average="micro"),
        "best_is_one_of_the_topics": applies[np.arange(COUNT), probabilities.argmax(axis=1)].mean(),
    }
    assert {name: found["topics", name, "all"].value for name in expected} == pytest.approx(expected)


def test_coverage_is_the_share_of_answers_and_their_accuracy_is_of_them_alone(found, heads, rows, features):
    probabilities = heads.sentiment.probabilities(features)
    truth = indexes(SENTIMENTS, [row.sentiment for row in rows])
    answered = probabilities.max(axis=1) >= 0.6
    right = probabilities.argmax(axis=1) == truth
    assert found["sentiment", "coverage", "all"].value == pytest.approx(answered.mean())
    assert found["sentiment", "accuracy_when_answering", "all"].value == pytest.approx(right[answered].mean())


def test_a_language_is_measured_on_its_own_rows(found, urgency, rows):
    truth, probabilities = urgency
    here = np.array([row.lang == "de" for row in rows])
    expected = f1_score(truth[here], probabilities[here].argmax(axis=1), average="macro")
    measured = found["urgency", "macro_f1", "de"]
    assert (measured.n, measured.value) == (here.sum(), pytest.approx(expected))


def test_commonest_label_is_the_majority_baseline(found, urgency):
    truth, _ = urgency
    commonest = np.full(COUNT, np.bincount(truth).argmax())
    assert found["urgency", "macro_f1", "all"].majority == pytest.approx(
        f1_score(truth, commonest, average="macro", zero_division=0)
    )
    assert found["urgency", "quadratic_kappa", "all"].majority == pytest.approx(0)


def test_labels_without_a_pattern_are_not_learnt_in_cross_validation(found):
    assert found["topics", "accuracy", "all"].cross_validated < 0.2


def test_every_figure_lies_within_its_interval(found):
    for measurement in found.values():
        assert measurement.low <= measurement.high
        if measurement.metric not in {"ece", "macro_f1", "quadratic_kappa"}:
            # Biased statistics of few rows may leave theirs.
            assert measurement.low - 1e-9 <= measurement.value <= measurement.high + 1e-9


def test_measuring_again_gives_the_same(found, heads, rows, features):
    again = measure(heads, urgent_from=0.5, rows="gold", examples=rows, features=features, seed=0)
    assert again == list(found.values())


def test_a_head_without_labelled_rows_is_left_out(heads, rows, features):
    tweets = [
        Example(
            id=row.id,
            text=row.text,
            lang="de",
            source="umsab",
            group=row.id,
            role="benchmark",
            sentiment="neutral",
        )
        for row in rows[:10]
    ]
    measured = measure(
        heads, urgent_from=0.5, rows="umsab/test", examples=tweets, features=features[:10], seed=0
    )
    assert {m.head for m in measured} == {"sentiment"}


def test_no_rows_give_no_figures(heads, features):
    assert measure(heads, urgent_from=0.5, rows="gold", examples=[], features=features[:0], seed=0) == []
