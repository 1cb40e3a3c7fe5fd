"""What heads say about the rows to report on, beside what baselines say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.branch import Branch
from models.heads import Heads
from models.labels import NON_FEEDBACK, SIGNALS
from models.manifest import HeadManifest, UrgentThreshold
from training.baselines import LEXICON_LANGUAGES, FrozenLinear, Lexicon
from training.batches import rows_of_epoch
from training.datasets.example import Example, read_examples
from training.datasets.non_feedback import NON_FEEDBACK_ROWS
from training.evaluation import FROZEN_LINEAR, WORD_LIST, ReportRows
from training.experiment import HEADS, HeadName
from training.labels import EXCLUSIVE_HEADS, labelled
from training.pipeline import Context
from training.progress import show_progress
from training.readings import CalibratedHead, Reading, cross_fitted
from training.rows import EXAMPLES, GOLD_ROWS, gold_rows, limits_of, signal_rows

_BASELINE_ROWS = 8_000
_SILENCES = SIGNALS.index(NON_FEEDBACK)

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Heads to be reported on.

    Attributes:
        heads: With their calibration.
        branch: Computes what they read.
        urgent: Their operating point.
    """

    heads: Heads
    branch: Branch | None
    urgent: UrgentThreshold


def report_rows(examples: Sequence[Example]) -> dict[str, list[Example]]:
    """Return the rows to report on by name: real ones, benchmarks, and held-out ones of our own.

    `non_feedback` holds the real feedback too, as what is not to be taken for it.
    """
    gold = gold_rows(examples)
    named: dict[str, list[Example]] = {GOLD_ROWS: gold}
    for row in examples:
        first, second, *_ = row.id.split("/")
        if row.role == "benchmark":
            named.setdefault(f"{first}/{second}", []).append(row)
        elif row.role == "validation" and row.source != GOLD_ROWS:
            named.setdefault(first, []).append(row)
    if NON_FEEDBACK_ROWS in named:
        named[NON_FEEDBACK_ROWS] += [
            replace(row, sentiment=None, urgency=None, topics=None, signals=()) for row in gold
        ]
    return named


def read_report(context: Context, judge: Judge, *, baselines: bool) -> list[ReportRows]:
    """Let heads read every set of rows to report on, as serving would: non-feedback silences all heads.

    Rows that calibrated are each read by what was fitted to the others.

    Args:
        context: Of an experiment whose rows are prepared.
        judge: What is reported on.
        baselines: Ask the baselines too.
    """
    examples = read_examples(context.path(EXAMPLES))
    frozen = _frozen_linear(context, examples) if baselines else None
    silenced = _cross_fitted_silences(context, judge, examples)
    found = []
    for name, rows in report_rows(examples).items():
        features = _features(context, judge, rows, name)
        readings = {
            head: _read(context, judge, head, rows, features) for head in HEADS if labelled(head, rows)
        }
        flags = _silences(judge, rows, features, silenced)
        found.append(
            ReportRows(
                name=name,
                examples=tuple(rows),
                readings={
                    head: reading.silent_where(flags[labelled(head, rows)])
                    for head, reading in readings.items()
                },
                baselines=_baselines(context, frozen, rows) if frozen else {},
            )
        )
    return found


def _features(context: Context, judge: Judge, rows: Sequence[Example], name: str) -> NDArray[np.float32]:
    texts = [row.text for row in rows]
    served = context.served(judge.branch)
    show_progress(context, f"reading {name}", served.missing(texts), served.ensure)
    return served.load(texts).features


def _read(
    context: Context, judge: Judge, head: HeadName, rows: Sequence[Example], features: NDArray[np.float32]
) -> Reading:
    places = labelled(head, rows)
    here = [rows[place] for place in places]
    logits = getattr(judge.heads, head).logits(features[places])
    settings, seed = context.experiment.calibration, context.experiment.seed
    if head != "signals" and all(row.source == GOLD_ROWS for row in here):
        return cross_fitted(head, logits, here, settings, seed=seed)
    if head == "signals":
        told = signal_rows(read_examples(context.path(EXAMPLES)))
        place_of = {row.id: place for place, row in enumerate(told)}
        if all(row.id in place_of for row in here):
            reading = _cross_fitted_signals(context, judge, told)
            return reading.of([place_of[row.id] for row in here])
    return _shipped(judge, head).read(logits)


def _cross_fitted_signals(context: Context, judge: Judge, told: Sequence[Example]) -> Reading:
    features = _features(context, judge, told, "signals")
    settings, seed = context.experiment.calibration, context.experiment.seed
    return cross_fitted("signals", judge.heads.signals.logits(features), told, settings, seed=seed)


def _cross_fitted_silences(context: Context, judge: Judge, examples: Sequence[Example]) -> Mapping[str, bool]:
    told = signal_rows(examples)
    called = _cross_fitted_signals(context, judge, told).called[:, _SILENCES]
    return {row.id: bool(flag) for row, flag in zip(told, called, strict=True)}


def _silences(
    judge: Judge, rows: Sequence[Example], features: NDArray[np.float32], silenced: Mapping[str, bool]
) -> Flags:
    """Return where the signal of no feedback is present; by cross-fitting for rows that calibrated it."""
    shipped = _shipped(judge, "signals").read(judge.heads.signals.logits(features)).called[:, _SILENCES]
    return np.array(
        [silenced.get(row.id, bool(flag)) for row, flag in zip(rows, shipped, strict=True)], dtype=np.bool_
    )


def _shipped(judge: Judge, head: HeadName) -> CalibratedHead:
    return CalibratedHead(
        manifest=HeadManifest.of(getattr(judge.heads, head)), urgent_from=judge.urgent.value
    )


def _frozen_linear(context: Context, examples: Sequence[Example]) -> FrozenLinear:
    """Train the baseline on rows drawn from those of one epoch."""
    training = [row for row in examples if row.role == "train" and set(row.signals or ()) != {NON_FEEDBACK}]
    limits, seed = limits_of(context.experiment), context.experiment.seed
    drawn = rows_of_epoch(training, limits, seed=seed, epoch=0)[:_BASELINE_ROWS]
    rows = [training[place] for place in sorted(drawn)]
    texts = [row.text for row in rows]
    show_progress(context, "frozen features", context.features.missing(texts), context.features.ensure)
    return FrozenLinear(rows, context.features.load(texts).features)


def _baselines(
    context: Context, frozen: FrozenLinear, rows: Sequence[Example]
) -> Mapping[HeadName, Mapping[str, NDArray[np.int64]]]:
    found: dict[HeadName, dict[str, NDArray[np.int64]]] = {}
    for head in EXCLUSIVE_HEADS:
        here = [rows[place] for place in labelled(head, rows)]
        if not here:
            continue
        texts = [row.text for row in here]
        show_progress(context, "frozen features", context.features.missing(texts), context.features.ensure)
        chosen = frozen.choose(head, context.features.load(texts).features)
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
