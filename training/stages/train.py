"""Fit the branch and the heads together."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Self

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.numpy import load_file, save_file

from models.branch import Branch
from models.encoder.sentence import SentenceEncoder
from models.encoder.torch_branch import TorchBranch
from training.datasets.example import Example, read_examples
from training.errors import ExperimentError
from training.fit import Rows, choose_device, fit, read_logits
from training.labels import EXCLUSIVE_HEADS, LABELS, labelled, truth_of
from training.logistic import Layer
from training.metrics import confusion, macro_f1
from training.network import LOGITS, Network
from training.pipeline import Context, Stage, checksum
from training.progress import show_progress
from training.readings import KINDS
from training.rows import EXAMPLES, limits_of
from training.tuning import squash

LAYERS = "layers.safetensors"
BRANCH_WEIGHTS = "branch.safetensors"
HISTORY = "history.json"


def _run(context: Context) -> None:
    examples = read_examples(context.path(EXAMPLES))
    training = _rows(context, [example for example in examples if example.role == "train"])
    validation = _rows(context, [example for example in examples if example.role == "validation"])
    experiment, device = context.experiment, choose_device(context.experiment.device)
    torch.manual_seed(experiment.seed)
    network = Network(
        _first_branch(context), frozen_width=training.frozen.shape[1], dropout=experiment.fitting.dropout
    )
    with _Watcher(context, validation, device) as watcher:
        fitted, history = fit(
            network,
            training,
            experiment.fitting,
            limits=limits_of(experiment),
            seed=experiment.seed,
            device=device,
            checkpoint=_checkpoint(context),
            watcher=watcher,
        )
    _write_weights(context, fitted)
    context.path(HISTORY).write_text(
        json.dumps([asdict(epoch) for epoch in history], indent=1), encoding="utf-8"
    )


class _Watcher:
    """Shows a bar an epoch, and scores the averaged network on the rows that validate."""

    def __init__(self, context: Context, validation: Rows, device: torch.device) -> None:
        columns = (
            TextColumn("  {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=context.console)
        self._task = self._bar.add_task("training")
        self._context, self._validation, self._device = context, validation, device

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def started(self, number: int, batches: int) -> None:
        description = f"epoch {number} of {self._context.experiment.fitting.epochs}"
        self._bar.reset(self._task, total=batches, description=description)

    def advanced(self) -> None:
        self._bar.advance(self._task)

    def scores(self, averaged: Network) -> dict[str, float]:
        found = _scores(averaged, self._validation, self._device)
        told = ", ".join(f"{name} {score:.3f}" for name, score in found.items())
        self._context.console.print(f"  {told}", highlight=False)
        return found


def _write_weights(context: Context, network: Network) -> None:
    layers = {
        f"{head}.{part}": getattr(layer, part)
        for head, layer in network.linear_layers().items()
        for part in ("weight", "bias")
    }
    save_file(layers, context.path(LAYERS))
    branch = network.branch.weights() if network.branch else None
    save_file(dict(branch.tensors) if branch else {}, context.path(BRANCH_WEIGHTS))


def read_layers(context: Context) -> dict[str, Layer]:
    """Return each head's trained layer."""
    stored = load_file(context.path(LAYERS))
    return {head: Layer(weight=stored[f"{head}.weight"], bias=stored[f"{head}.bias"]) for head in LOGITS}


def read_branch(context: Context) -> Branch | None:
    """Return the trained branch, if the experiment has one."""
    shape = context.experiment.branch
    return Branch(shape=shape, tensors=load_file(context.path(BRANCH_WEIGHTS))) if shape else None


def _first_branch(context: Context) -> TorchBranch | None:
    shape, encoder = context.experiment.branch, context.features.encoder
    if shape is None:
        return None
    if not isinstance(encoder, SentenceEncoder):
        raise ExperimentError(f"a branch needs an encoder with layers; {encoder.name} has none")
    return TorchBranch(shape, encoder.transformer)


def _rows(context: Context, examples: Sequence[Example]) -> Rows:
    texts = [example.text for example in examples]
    if context.tokens is not None:
        show_progress(
            context, "running the lower layers", context.tokens.missing(texts), context.tokens.ensure
        )
        nothing = np.zeros((len(texts), 0), dtype=np.float32)
        return Rows(examples=tuple(examples), frozen=nothing, tokens=context.tokens.load(texts))
    return Rows(examples=tuple(examples), frozen=context.features.load(texts).features, tokens=None)


def _checkpoint(context: Context) -> Path:
    """Name the checkpoint after everything it depends on: one of another run is not gone on from."""
    experiment = context.experiment
    parts = {
        "examples": checksum(context.path(EXAMPLES)),
        "fitting": experiment.fitting.model_dump(mode="json"),
        "limits": limits_of(experiment),
        "branch": experiment.branch.model_dump() if experiment.branch else None,
        "seed": experiment.seed,
        "encoder": context.features.encoder.space,
    }
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
    return context.path(f"checkpoint-{digest}.safetensors")


def _scores(network: Network, rows: Rows, device: torch.device) -> dict[str, float]:
    """Return the macro-F1 of uncalibrated answers, by head and source."""
    logits = read_logits(network, rows, device)
    found = {}
    for head in EXCLUSIVE_HEADS:
        for source in sorted({example.source for example in rows.examples}):
            places = [
                place for place in labelled(head, rows.examples) if rows.examples[place].source == source
            ]
            if places:
                truth = truth_of(head, [rows.examples[place] for place in places])
                chosen = squash(KINDS[head], logits[head][places]).argmax(axis=1)
                found[f"{head}/{source}"] = macro_f1(confusion(truth, chosen, len(LABELS[head])))
    return found


def _writes(context: Context) -> list[Path]:
    return [context.path(name) for name in (LAYERS, BRANCH_WEIGHTS, HISTORY)]


TRAIN = Stage(
    name="train",
    run=_run,
    settings=lambda experiment: {
        "fitting": experiment.fitting.model_dump(mode="json"),
        "branch": experiment.branch.model_dump() if experiment.branch else None,
        "limits": limits_of(experiment),
    },
    inputs=lambda _: {},
    reads=(EXAMPLES,),
    writes=_writes,
    unfinished=("checkpoint-*.safetensors",),
)
