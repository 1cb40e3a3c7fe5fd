"""Report on rows that never trained, beside baselines asked in the same run."""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from models.manifest import Measurement
from training.evaluation import ReportRows, measure
from training.pipeline import Context, Stage
from training.reports import Judge, read_report
from training.rows import EXAMPLES
from training.stages.calibrate import CALIBRATED, calibrated_heads, read_calibrated
from training.stages.train import BRANCH_WEIGHTS, LAYERS, read_branch

MEASUREMENTS = "measurements.json"
MEASUREMENT_LIST = TypeAdapter(tuple[Measurement, ...])


def trained_judge(context: Context) -> Judge:
    """Return the heads that this run has trained and calibrated."""
    return Judge(
        heads=calibrated_heads(context),
        branch=read_branch(context),
        urgent=read_calibrated(context).urgent,
    )


def measure_report(report: Sequence[ReportRows], *, seed: int) -> tuple[Measurement, ...]:
    """Measure every set of rows of a report."""
    return tuple(measurement for rows in report for measurement in measure(rows, seed=seed))


def _run(context: Context) -> None:
    report = read_report(context, trained_judge(context), baselines=True)
    found = measure_report(report, seed=context.experiment.seed)
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
