import numpy as np
import pytest

from training.candidates import Candidate, first_candidate
from training.datasets.example import Example
from training.experiment import Search
from training.fitting import fit_basis
from training.heldout import Table, domain_shares, held_out_logits, scores_by_source, training_places


def table(count=60, extra=10):
    rng = np.random.default_rng(0)
    examples = tuple(
        Example(
            id=str(n),
            text=str(n),
            lang="en",
            source="umsab" if n >= count else ("gold" if n % 5 == 0 else "texts"),
            group=str(n),
            role="extra" if n >= count else "folds",
            sentiment=("negative", "neutral", "positive")[n % 3],
        )
        for n in range(count + extra)
    )
    features = rng.normal(size=(count + extra, 5)).astype(np.float32)
    features[:, 0] += 3 * (np.arange(count + extra) % 3)
    basis = fit_basis(features)
    folds = np.where(np.arange(count + extra) < count, np.arange(count + extra) % 2, -1)
    return Table(head="sentiment", examples=examples, basis=basis, rows=basis.project(features), folds=folds)


def candidate(**changes):
    return Candidate(**first_candidate(Search(kinds=("softmax",), c=(1.0,))).described() | changes)


def test_no_row_trains_the_head_that_scores_it():
    rows = table()
    for fold in range(2):
        places = training_places(rows, candidate(), without_fold=fold)
        assert not set(places) & set(np.flatnonzero(rows.folds == fold))
        assert set(np.flatnonzero(rows.folds == -1)) <= set(places)


def test_rows_for_validation_never_train():
    rows = table()
    examples = tuple(
        Example(**{**{f: getattr(e, f) for f in e.__slots__}, "role": "validation"}) if n < 5 else e
        for n, e in enumerate(rows.examples)
    )
    changed = Table(head="sentiment", examples=examples, basis=rows.basis, rows=rows.rows, folds=rows.folds)
    assert not set(range(5)) & set(training_places(changed, candidate()))


def test_extra_rows_that_weigh_nothing_do_not_train():
    assert training_places(table(), candidate(extra_weight=0.0)).max() == 59


def test_held_out_scores_of_labels_that_can_be_learnt_are_high():
    rows = table()
    logits = held_out_logits(rows, candidate())
    held = rows.taken(rows.held)
    scores = scores_by_source("sentiment", candidate(), logits, held, domain_shares(held, {}))
    assert set(scores) == {"gold", "texts"}
    assert scores["texts"] > 0.6


def test_a_label_shuffled_between_folds_cannot_be_learnt():
    rows = table()
    noise = np.random.default_rng(1).normal(size=rows.rows.shape).astype(np.float32)
    blind = Table(head="sentiment", examples=rows.examples, basis=rows.basis, rows=noise, folds=rows.folds)
    held = blind.taken(blind.held)
    chosen = held_out_logits(blind, candidate()).argmax(axis=1)
    truth = np.array([("negative", "neutral", "positive").index(row.sentiment) for row in held])
    assert (chosen == truth).mean() < 0.55


def test_sources_count_alike_unless_said_otherwise():
    held = table().taken(table().held)
    gold = np.array([row.source == "gold" for row in held])
    alike, otherwise = domain_shares(held, {}), domain_shares(held, {"gold": 3.0})
    assert alike[gold].sum() == pytest.approx(alike[~gold].sum())
    assert otherwise[gold].sum() == pytest.approx(3 * otherwise[~gold].sum())
    assert alike.mean() == pytest.approx(1)
