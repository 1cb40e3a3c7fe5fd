"""Choose how to train each head by grouped cross-validation, then train it on all rows."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from training.candidates import FIELDS, Candidate, first_candidate, neighbours
from training.datasets.example import Example, read_examples
from training.experiment import HEADS, HeadName
from training.fitting import Layer, fit_basis
from training.folds import grouped_folds
from training.heldout import Table, domain_shares, fit_on, held_out_logits, scores_by_source, training_places
from training.pipeline import Context, Stage, checksum
from training.stages.prepare import EXAMPLES
from training.trials import TrialLog

LAYERS = "layers.safetensors"
HELD_OUT = "held_out.safetensors"
CHOICES = "choices.json"
TRIALS = "trials.jsonl"

Floats = NDArray[np.float64]


def _run(context: Context) -> None:
    examples = read_examples(context.path(EXAMPLES))
    log = _trial_log(context)
    layers: dict[str, NDArray[np.float32]] = {}
    held_out: dict[str, Floats] = {}
    choices: dict[str, object] = {}
    for head in HEADS:
        table = table_of(context, head, examples)
        candidate, trials = _choose(context, table, log)
        layer = table.basis.unproject(fit_on(table, candidate, training_places(table, candidate)))
        layers |= {f"{head}.weight": layer.weight, f"{head}.bias": layer.bias}
        held_out[head] = held_out_logits(table, candidate)
        choices[head] = {"chosen": candidate.described(), "trials": trials}
    save_file(layers, context.path(LAYERS))
    save_file(held_out, context.path(HELD_OUT))
    context.path(CHOICES).write_text(json.dumps(choices, indent=1), encoding="utf-8")


def table_of(context: Context, head: HeadName, examples: Sequence[Example]) -> Table:
    """Gather the rows that train or validate a head, with their features and folds.

    Rows for validation get folds like the others, so that each is scored by one head.
    """
    rows = [
        example
        for example in examples
        if getattr(example, head) is not None and example.role in {"folds", "extra", "validation"}
    ]
    held = np.flatnonzero([row.role != "extra" for row in rows])
    folds = np.full(len(rows), -1, dtype=np.int64)
    folds[held] = grouped_folds(
        [rows[place].group for place in held],
        [f"{rows[place].source}/{rows[place].lang}" for place in held],
        folds=context.experiment.data.folds,
        seed=context.experiment.seed,
    )
    features = context.features.load([row.text for row in rows]).features
    basis = fit_basis(features)
    return Table(head=head, examples=tuple(rows), basis=basis, rows=basis.project(features), folds=folds)


def held_out_examples(head: HeadName, examples: Sequence[Example]) -> list[Example]:
    """Return the rows that are held out for a head once each, in the order of its table."""
    return [
        example
        for example in examples
        if getattr(example, head) is not None and example.role in {"folds", "validation"}
    ]


def read_layer(context: Context, head: HeadName) -> Layer:
    """Return a head's trained layer."""
    stored = load_file(context.path(LAYERS))
    return Layer(weight=stored[f"{head}.weight"], bias=stored[f"{head}.bias"])


def read_held_out(context: Context, head: HeadName) -> Floats:
    """Return a head's raw logits of its held-out rows, in the order of its table."""
    return np.asarray(load_file(context.path(HELD_OUT))[head])


def read_candidate(context: Context, head: HeadName) -> Candidate:
    """Return how a head was trained."""
    return Candidate(**json.loads(context.path(CHOICES).read_text(encoding="utf-8"))[head]["chosen"])


def _trial_log(context: Context) -> TrialLog:
    experiment = context.experiment
    depends_on = [
        checksum(context.path(EXAMPLES)),
        context.features.encoder.space,
        experiment.seed,
        experiment.data.folds,
        experiment.calibration.domain_weights,
    ]
    return TrialLog(context.path(TRIALS), depends_on=json.dumps(depends_on, sort_keys=True))


def _choose(context: Context, table: Table, log: TrialLog) -> tuple[Candidate, list[dict[str, object]]]:
    """Search one field after another, keeping the best value so far."""
    search = getattr(context.experiment.heads, table.head)
    examples = table.taken(table.held)
    weights = domain_shares(examples, context.experiment.calibration.domain_weights)
    trials: list[dict[str, object]] = []

    def score(candidate: Candidate) -> float:
        scores = log.scores(table.head, candidate, lambda: _scores(table, candidate, weights))
        mean = float(np.mean(list(scores.values())))
        trials.append({**candidate.described(), "scores": scores, "mean": mean})
        context.console.print(f"  {table.head} {mean:.4f} {candidate.described()}")
        return mean

    best = first_candidate(search)
    others = [field for field in FIELDS if neighbours(best, search, field)]
    if not others:
        return best, trials
    record = score(best)
    for field in others:
        scored = [(score(candidate), candidate) for candidate in neighbours(best, search, field)]
        top, candidate = max(scored, key=lambda pair: pair[0])
        if top > record:
            record, best = top, candidate
    return best, trials


def _scores(table: Table, candidate: Candidate, weights: Floats) -> dict[str, float]:
    logits = held_out_logits(table, candidate)
    return scores_by_source(table.head, candidate, logits, table.taken(table.held), weights)


def _writes(context: Context) -> list[Path]:
    return [context.path(name) for name in (LAYERS, HELD_OUT, CHOICES)]


TRAIN = Stage(
    name="train",
    run=_run,
    settings=lambda experiment: {
        "heads": experiment.heads.model_dump(mode="json"),
        "folds": experiment.data.folds,
        "domains": experiment.calibration.domain_weights,
    },
    inputs=lambda _: {},
    reads=(EXAMPLES,),
    writes=_writes,
)
