"""Report on rows that never trained, beside baselines asked in the same run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from models.branch import Branch
from models.heads import Heads
from models.manifest import HeadManifest, Measurement, UrgentThreshold
from training.baselines import LEXICON_LANGUAGES, FrozenLinear, Lexicon
from training.batches import rows_of_epoch
from training.datasets.example import Example, read_examples
from training.datasets.non_feedback import NON_FEEDBACK_ROWS
from training.evaluation import ReportRows, measure
from training.experiment import HEADS, HeadName
from training.labels import EXCLUSIVE_HEADS, labelled
from training.pipeline import Context, Stage
from training.readings import CalibratedHead, Reading, cross_fitted
from training.stages.calibrate import CALIBRATED, calibrated_heads, gold_rows, read_calibrated
from training.stages.prepare import EXAMPLES, GOLD_ROWS, show_progress
from training.stages.train import BRANCH_WEIGHTS, LAYERS, limits_of, read_branch

MEASUREMENTS = "measurements.json"
MEASUREMENT_LIST = TypeAdapter(tuple[Measurement, ...])

FROZEN_LINEAR = "frozen linear"
WORD_LIST = "word list"

Floats = NDArray[np.float64]


def measure_all(
    context: Context, heads: Heads, branch: Branch | None, urgent: UrgentThreshold
) -> tuple[Measurement, ...]:
    """Measure heads on every set of rows to report on.

    Args:
        context: Of an experiment whose rows are prepared.
        heads: What is measured.
        branch: Computes what they read.
        urgent: Their operating point.
    """
    examples = read_examples(context.path(EXAMPLES))
    frozen = _frozen_linear(context, examples)
    found: list[Measurement] = []
    for name, rows in report_rows(examples).items():
        texts = [row.text for row in rows]
        served = context.served(branch)
        show_progress(context, f"reading {name}", served.missing(texts), served.ensure)
        features = served.load(texts).features
        asked = [head for head in HEADS if labelled(head, rows)]
        readings: dict[HeadName, Reading] = {}
        for head in asked:
            places = labelled(head, rows)
            logits = getattr(heads, head).logits(features[places])
            here = [rows[place] for place in places]
            if name == GOLD_ROWS and head != "signals":
                # These rows calibrated: each is read by what the others say.
                settings, seed = context.experiment.calibration, context.experiment.seed
                readings[head] = cross_fitted(head, logits, here, settings, seed=seed)
            else:
                readings[head] = calibrated_head(heads, head, urgent).read(logits)
        found += measure(
            ReportRows(
                name=name,
                examples=tuple(rows),
                readings=readings,
                baselines=_baselines(context, frozen, rows, asked),
            ),
            seed=context.experiment.seed,
        )
    return tuple(found)


def calibrated_head(heads: Heads, head: HeadName, urgent: UrgentThreshold) -> CalibratedHead:
    """Return a head of an artefact as what reads logits."""
    return CalibratedHead(manifest=HeadManifest.of(getattr(heads, head)), urgent_from=urgent.value)


def report_rows(examples: Sequence[Example]) -> dict[str, list[Example]]:
    """Return the rows to report on by name: real ones, benchmarks, and held-out ones of our own.

    `non_feedback` holds the real feedback too, as what is not to be taken for it.
    """
    gold = gold_rows(examples)
    named: dict[str, list[Example]] = {GOLD_ROWS: gold}
    for row in examples:
        if row.role == "benchmark":
            named.setdefault("/".join(row.id.split("/")[:2]), []).append(row)
        elif row.role == "validation" and row.source != GOLD_ROWS:
            named.setdefault(row.source, []).append(row)
    if NON_FEEDBACK_ROWS in named:
        named[NON_FEEDBACK_ROWS] += [
            replace(row, sentiment=None, urgency=None, topics=None, signals=()) for row in gold
        ]
    return named


def _frozen_linear(context: Context, examples: Sequence[Example]) -> FrozenLinear:
    """Train the baseline on the rows of one epoch: what the network reads, without waiting for an hour."""
    training = [row for row in examples if row.role == "train" and set(row.signals or ()) != {"non_feedback"}]
    limits, seed = limits_of(context.experiment), context.experiment.seed
    rows = [training[place] for place in sorted(rows_of_epoch(training, limits, seed=seed, epoch=0))]
    texts = [row.text for row in rows]
    show_progress(context, "frozen features", context.features.missing(texts), context.features.ensure)
    return FrozenLinear(rows, context.features.load(texts).features)


def _baselines(
    context: Context, frozen: FrozenLinear, rows: Sequence[Example], asked: Sequence[HeadName]
) -> Mapping[HeadName, Mapping[str, NDArray[np.int64]]]:
    found: dict[HeadName, dict[str, NDArray[np.int64]]] = {}
    for head in EXCLUSIVE_HEADS:
        if head not in asked:
            continue
        here = [rows[place] for place in labelled(head, rows)]
        chosen = frozen.choose(head, context.features.load([row.text for row in here]).features)
        found[head] = {} if chosen is None else {FROZEN_LINEAR: chosen}
        if head == "sentiment":
            found[head][WORD_LIST] = _by_word_list(here)
    return found


def _by_word_list(rows: Sequence[Example]) -> NDArray[np.int64]:
    """Ask the word list where there is one; elsewhere the answer is "neutral" and is not reported."""
    chosen = np.ones(len(rows), dtype=np.int64)
    places = [place for place, row in enumerate(rows) if row.lang in LEXICON_LANGUAGES]
    if places:
        chosen[places] = Lexicon().choose([rows[place] for place in places])
    return chosen


def _run(context: Context) -> None:
    found = measure_all(
        context, calibrated_heads(context), read_branch(context), read_calibrated(context).urgent
    )
    context.path(MEASUREMENTS).write_text(
        json.dumps(MEASUREMENT_LIST.dump_python(found, mode="json"), indent=1), encoding="utf-8"
    )
    for measurement in found:
        if measurement.language == "all":
            interval = "" if measurement.low is None else f" [{measurement.low:.3f}, {measurement.high:.3f}]"
            context.console.print(
                f"  {measurement.rows} {measurement.head} {measurement.metric} "
                f"{measurement.value:.3f}{interval} n={measurement.n}",
                highlight=False,
                markup=False,
            )


def _writes(context: Context) -> list[Path]:
    return [context.path(MEASUREMENTS)]


EVALUATE = Stage(
    name="evaluate",
    run=_run,
    settings=lambda experiment: experiment.calibration.model_dump(mode="json"),
    inputs=lambda _: {},
    reads=(EXAMPLES, CALIBRATED, LAYERS, BRANCH_WEIGHTS),
    writes=_writes,
)
