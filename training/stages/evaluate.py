"""Report on rows that neither trained nor chose anything."""

import json
from pathlib import Path

from pydantic import TypeAdapter

from models.heads import Heads
from models.manifest import Measurement
from training.datasets.catalogue import data_path, data_root, read_data_file
from training.datasets.example import Example
from training.datasets.readers import examples_of_use, gold_examples
from training.evaluation import measure
from training.experiment import Experiment
from training.pipeline import Context, Stage, checksum
from training.stages.calibrate import CALIBRATED, calibrated_heads, read_calibrated
from training.stages.prepare import encode
from training.stages.train import LAYERS

MEASUREMENTS = "measurements.json"
MEASUREMENT_LIST = TypeAdapter(tuple[Measurement, ...])
GOLD_ROWS = "gold"
"""Name, in the report, of the gold rows that may not train."""


def measure_all(context: Context, heads: Heads, *, urgent_from: float) -> tuple[Measurement, ...]:
    """Measure heads on every set of rows to report on."""
    found: list[Measurement] = []
    for rows, examples in _report_examples(context.experiment).items():
        texts = [example.text for example in examples]
        encode(context, texts)
        found += measure(
            heads,
            urgent_from=urgent_from,
            rows=rows,
            examples=examples,
            features=context.features.load(texts).features,
            seed=context.experiment.seed,
        )
    return tuple(found)


def _report_examples(experiment: Experiment) -> dict[str, list[Example]]:
    root = data_root()
    gold = gold_examples(read_data_file(root, "gold", "dev"))
    benchmarks = {
        f"{use.source}/{use.split}": examples_of_use(
            read_data_file(root, use.source, use.split), use, "benchmark"
        )
        for use in experiment.data.benchmark
    }
    return {GOLD_ROWS: [row for row in gold if row.role == "report"], **benchmarks}


def _run(context: Context) -> None:
    found = measure_all(context, calibrated_heads(context), urgent_from=read_calibrated(context).urgent.value)
    context.path(MEASUREMENTS).write_text(
        json.dumps(MEASUREMENT_LIST.dump_python(found, mode="json"), indent=1), encoding="utf-8"
    )
    for measurement in found:
        if measurement.language == "all":
            context.console.print(
                f"  {measurement.rows} {measurement.head} {measurement.metric} {measurement.value:.3f}"
                f" [{measurement.low:.3f}, {measurement.high:.3f}] n={measurement.n}",
                highlight=False,
                markup=False,
            )


def _inputs(context: Context) -> dict[str, str]:
    files = [("gold", "dev"), *((use.source, use.split) for use in context.experiment.data.benchmark)]
    return {f"{source}/{split}": checksum(data_path(data_root(), source, split)) for source, split in files}


def _writes(context: Context) -> list[Path]:
    return [context.path(MEASUREMENTS)]


EVALUATE = Stage(
    name="evaluate",
    run=_run,
    settings=lambda experiment: [use.model_dump(mode="json") for use in experiment.data.benchmark],
    inputs=_inputs,
    reads=(CALIBRATED, LAYERS),
    writes=_writes,
)
