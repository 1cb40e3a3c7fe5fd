import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import log_loss

from models.calibration import sequential, softmax
from models.labels import NON_FEEDBACK, SENTIMENTS, SIGNALS, TOPICS, URGENCIES
from training.datasets.example import Example
from training.experiment import HEADS
from training.losses import losses_of, targets_of
from training.network import LOGITS

SEEDS = st.integers(0, 10_000)


def example(weight=1.0, **labels):
    return Example(id="1", text="a", lang="en", source="s", group="1", role="train", weight=weight, **labels)


def labelled(rng, count):
    """Rows with all labels and unequal weights."""
    return [
        example(
            weight=float(rng.uniform(0.2, 3)),
            sentiment=str(rng.choice(SENTIMENTS)),
            urgency=str(rng.choice(URGENCIES)),
            topics=tuple(map(str, rng.choice(TOPICS, size=rng.integers(1, 4), replace=False))),
            signals=tuple(map(str, rng.choice(SIGNALS, size=rng.integers(0, 3), replace=False))),
        )
        for _ in range(count)
    ]


def logits_of(rng, count):
    return {head: torch.from_numpy(rng.normal(size=(count, width)) * 3) for head, width in LOGITS.items()}


def losses(logits, rows, smoothing=0.0):
    found = losses_of(logits, targets_of(rows), smoothing=smoothing)
    return {head: float(loss) for head, loss in found.items()}


def drawn(seed, count=12):
    rng = np.random.default_rng(seed)
    return logits_of(rng, count), labelled(rng, count)


def weights_of(rows):
    return np.array([row.weight for row in rows])


def total_log_loss(truth, probabilities, rows):
    """Weighted sum of -log P(truth), over the number of rows: scikit-learn divides by the weights."""
    weights = weights_of(rows)
    mean = log_loss(truth, probabilities, labels=range(probabilities.shape[1]), sample_weight=weights)
    return mean * weights.sum() / len(rows)


def test_a_batch_that_says_nothing_costs_nothing_and_pulls_nowhere():
    logits = {
        head: values.requires_grad_() for head, values in logits_of(np.random.default_rng(0), 4).items()
    }
    found = losses_of(logits, targets_of([example()] * 4), smoothing=0.1)
    sum(found[head] for head in HEADS if head != "signals").backward()
    for head in ("sentiment", "urgency", "topics"):
        assert found[head].detach().item() == 0.0
        assert logits[head].grad.abs().sum().item() == 0.0


@given(SEEDS, st.permutations(range(8)))
def test_rows_without_a_label_count_nothing_but_as_rows(seed, order):
    logits, rows = drawn(seed, 8)
    silent = set(order[:5])
    mixed = [example(weight=7.0, signals=None) if place in silent else row for place, row in enumerate(rows)]
    kept = [place for place in range(8) if place not in silent]
    alone = losses({head: values[kept] for head, values in logits.items()}, [rows[place] for place in kept])
    together = losses(logits, mixed)
    for head in ("sentiment", "urgency", "topics"):
        assert together[head] * 8 == pytest.approx(alone[head] * len(kept), rel=1e-5)


def test_a_row_where_nobody_looked_for_signals_counts_as_feedback_and_for_nothing_else():
    logits = logits_of(np.random.default_rng(1), 1)
    place = SIGNALS.index(NON_FEEDBACK)
    expected = -math.log(1 - expit(float(logits["signals"][0, place])))
    assert losses(logits, [example(sentiment="neutral")])["signals"] == pytest.approx(expected, abs=1e-6)
    everything = losses(logits, [example(signals=())])["signals"]
    assert everything == pytest.approx(-np.log(1 - expit(logits["signals"].numpy())).sum(), rel=1e-5)


def test_a_row_of_one_head_pulls_on_no_other():
    logits = {
        head: values.requires_grad_() for head, values in logits_of(np.random.default_rng(2), 1).items()
    }
    found = losses_of(logits, targets_of([example(urgency="high", signals=())]), smoothing=0.1)
    torch.stack(list(found.values())).sum().backward()
    assert {head for head, values in logits.items() if values.grad.abs().sum().item() > 0} == {
        "urgency",
        "signals",
    }


@given(SEEDS)
def test_sentiment_is_the_cross_entropy_of_scikit_learn(seed):
    logits, rows = drawn(seed)
    truth = [SENTIMENTS.index(row.sentiment) for row in rows]
    expected = total_log_loss(truth, softmax(logits["sentiment"].numpy()), rows)
    assert losses(logits, rows)["sentiment"] == pytest.approx(expected, rel=1e-5)


@given(SEEDS, st.floats(0, 0.5))
def test_smoothing_takes_from_the_true_label_and_gives_to_all_alike(seed, smoothing):
    logits, rows = drawn(seed)
    told = np.log(softmax(logits["sentiment"].numpy()))
    targets = np.full(told.shape, smoothing / 3)
    targets[np.arange(len(rows)), [SENTIMENTS.index(row.sentiment) for row in rows]] += 1 - smoothing
    expected = -(weights_of(rows)[:, None] * targets * told).sum() / len(rows)
    assert losses(logits, rows, smoothing)["sentiment"] == pytest.approx(expected, rel=1e-5)


@given(SEEDS)
def test_urgency_is_the_conditional_ordinal_loss_worked_out_step_by_step(seed):
    logits, rows = drawn(seed)
    expected = 0.0
    for scores, row in zip(logits["urgency"].tolist(), rows, strict=True):
        place = URGENCIES.index(row.urgency)
        for step, score in enumerate(scores):
            # Only who has reached a step is asked whether they go above it.
            if place > step:
                expected -= row.weight * math.log(expit(score))
            elif place == step:
                expected -= row.weight * math.log(1 - expit(score))
    assert losses(logits, rows)["urgency"] == pytest.approx(expected / len(rows), rel=1e-5)


@given(SEEDS)
def test_urgency_is_the_log_loss_of_the_probabilities_that_serving_reads(seed):
    logits, rows = drawn(seed)
    truth = [URGENCIES.index(row.urgency) for row in rows]
    expected = total_log_loss(truth, sequential(logits["urgency"].numpy()), rows)
    assert losses(logits, rows)["urgency"] == pytest.approx(expected, rel=1e-5)


def test_confusing_low_with_critical_costs_more_than_low_with_medium():
    sure_of_low = logits_of(np.random.default_rng(0), 1) | {"urgency": torch.full((1, 3), -4.0)}
    found = [losses(sure_of_low, [example(urgency=label)])["urgency"] for label in URGENCIES]
    assert found == pytest.approx([0.018, 4.036, 8.054, 12.054], abs=0.001)


@given(SEEDS)
def test_topics_are_the_main_one_and_a_share_of_all_that_apply(seed):
    logits, rows = drawn(seed)
    scores = logits["topics"].numpy()
    applies = np.array([[topic in row.topics for topic in TOPICS] for row in rows])
    each = np.where(applies, -np.log(expit(scores)), -np.log(expit(-scores)))
    main = total_log_loss([TOPICS.index(row.topics[0]) for row in rows], softmax(scores), rows)
    independent = (weights_of(rows)[:, None] * each).sum() / len(rows)
    assert losses(logits, rows)["topics"] == pytest.approx(main + 0.3 * independent, rel=1e-5)


@given(SEEDS)
def test_signals_are_the_log_loss_of_scikit_learn_signal_by_signal(seed):
    logits, rows = drawn(seed)
    expected = 0.0
    for place, signal in enumerate(SIGNALS):
        present = [int(signal in row.signals) for row in rows]
        probability = expit(logits["signals"][:, place].numpy())
        expected += total_log_loss(present, np.stack([1 - probability, probability], axis=1), rows)
    assert losses(logits, rows)["signals"] == pytest.approx(expected, rel=1e-5)


@given(SEEDS)
def test_a_row_of_weight_two_counts_like_the_row_twice(seed):
    logits, rows = drawn(seed, 1)
    twice = {head: values.repeat(2, 1) for head, values in logits.items()}
    once = [example(2.0, sentiment=r.sentiment, urgency=r.urgency, topics=r.topics) for r in rows]
    same = [example(1.0, sentiment=r.sentiment, urgency=r.urgency, topics=r.topics) for r in rows] * 2
    for head, loss in losses(logits, once, 0.1).items():
        assert loss == pytest.approx(2 * losses(twice, same, 0.1)[head], rel=1e-5)


def test_targets_tell_unknown_from_absent():
    found = targets_of([example(), example(sentiment="positive", topics=("other",), signals=("legal",))])
    assert found.sentiment.tolist() == [-1, 2]
    assert found.urgency.tolist() == [-1, -1]
    assert found.main_topic.tolist() == [-1, 14]
    assert found.topics[0].isnan().all()
    assert found.topics[1].tolist() == [0.0] * 14 + [1.0]
    assert found.signals[1].tolist() == [0.0, 0.0, 0.0, 1.0, 0.0]
    assert found.signals[0].isnan().tolist() == [True, True, True, True, False]
