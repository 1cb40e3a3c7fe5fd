"""What an experiment file may say: the form of the TOML under training/experiments."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.branch import BranchShape
from training.datasets.catalogue import LICENCES
from training.datasets.example import Role
from training.errors import ExperimentError

HeadName = Literal["sentiment", "urgency", "topics", "signals"]
HEADS: tuple[HeadName, ...] = ("sentiment", "urgency", "topics", "signals")

_OUR_ROWS = ("non_feedback", "judged")
"""Names of rows that are no data set of the catalogue."""

_Share = Annotated[float, Field(ge=0, le=1)]
_Positive = Annotated[float, Field(gt=0)]
_NotNegative = Annotated[float, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Use(_Strict):
    """One split of a data set of the catalogue, and what it serves."""

    source: str
    split: str
    heads: tuple[HeadName, ...] = Field(min_length=1)
    limit: int | None = Field(default=None, gt=0, description="most rows a language (and intent, if any)")
    weight: _Positive = Field(default=1.0, description="of a row in training, against 1 for a written text")
    rows_per_epoch: int | None = Field(default=None, gt=0, description="most rows in one epoch, drawn anew")

    @model_validator(mode="after")
    def _known(self) -> "Use":
        if self.source not in LICENCES:
            raise ValueError(
                f"expected a source of the catalogue ({', '.join(LICENCES)}), got {self.source!r}"
            )
        return self


class Columns(_Strict):
    """Under which names a table keeps what; the defaults are those of exported corrections."""

    text: str = "text"
    language: str = "language"
    sentiment: str = "sentiment"
    urgency: str = "urgency"
    topics: str = "topics"
    churn_risk: str = "churn_risk"
    declares: str = "declares"
    group: str | None = Field(default=None, description="rows that share a value are never split apart")


class Table(_Strict):
    """A table of one's own: a file, or a data set of a hub."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    path: Path | None = Field(default=None, description="a .jsonl, .csv or .parquet file")
    hub: str | None = Field(default=None, description="owner/name of a data set of the Hugging Face hub")
    configuration: str | None = Field(default=None, description="of a hub data set that has several")
    revision: str | None = Field(default=None, description="commit of a hub data set: what makes it the same")
    split: str = "train"
    role: Role = "train"
    licence: str
    permissive: bool = Field(description="may models trained on it be passed on?")
    weight: _Positive = 1.0
    columns: Columns = Columns()

    @model_validator(mode="after")
    def _one_place(self) -> "Table":
        if (self.path is None) == (self.hub is None):
            raise ValueError(f"expected either a path or a hub name for the table {self.name!r}")
        if self.hub is not None and self.revision is None:
            raise ValueError(f"expected a revision for {self.hub}: without one tomorrow's data may differ")
        if self.name in {*LICENCES, *_OUR_ROWS}:
            raise ValueError(f"expected a name that the catalogue does not use, got {self.name!r}")
        return self


class Data(_Strict):
    """Which rows take which part.

    Attributes:
        texts: Folder of the written texts.
        labels: Folder of labels given by the guideline to texts of public data sets.
        non_feedback: File of what is no feedback.
        held_out: Share of the written texts, of the judged texts and of the non-feedback that never trains;
            signals are calibrated on it.
    """

    texts: Path
    labels: Path | None = None
    non_feedback: Path | None = None
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.1
    judged_weight: _Positive = 1.0
    gold_weight: _Positive = 1.0
    train: tuple[Use, ...] = ()
    tables: tuple[Table, ...] = ()
    validation: tuple[Use, ...] = ()
    benchmark: tuple[Use, ...] = ()

    @model_validator(mode="after")
    def _trains_only_on_permissive(self) -> "Data":
        for use in self.train:
            if not LICENCES[use.source].permissive:
                raise ValueError(f"{use.source} may not train what ships: {LICENCES[use.source].name}")
        return self


class Fitting(_Strict):
    """How the network is fitted."""

    epochs: int = Field(default=6, ge=1)
    batch_rows: int = Field(default=32, ge=1)
    learning_rate: _Positive = Field(default=1e-4, description="of the branch")
    head_learning_rate: _Positive = Field(default=1e-3, description="of poolings and heads")
    weight_decay: _NotNegative = 0.01
    warmup_steps: int = Field(default=100, ge=0)
    dropout: _Share = 0.1
    token_dropout: _Share = Field(default=0.0, description="share of a text's tokens hidden at each step")
    label_smoothing: _Share = 0.05
    averaging: _Share = Field(default=0.995, description="decay a step of the weights' moving average")
    tokens_max: int = Field(default=160, ge=8, description="tokens of a text that training reads")
    loss_weights: dict[HeadName, _NotNegative] = {}


class Calibrating(_Strict):
    """What thresholds are to reach on the gold rows that validate."""

    folds: int = Field(default=5, ge=2, description="for figures of rows that calibrated nothing themselves")
    suggest_coverage: _Share = Field(default=0.93, description="share of texts that get more than a shrug")
    apply_accuracy: dict[HeadName, _Share] = Field(
        default={}, description="accuracy of labels that may be acted on unseen; 0.9 if unnamed"
    )
    urgent_recall: _Share = 0.85
    non_feedback_recall: _Share = Field(default=0.95, description="share of non-feedback to be noticed")


class Gate(_Strict):
    """How much worse than the current model a new one may be."""

    margin: _NotNegative = Field(default=0.01, description="of macro-F1, over all rows of a set")
    language_margin: _NotNegative = Field(default=0.05, description="of accuracy, in one language")
    signal_margin: _NotNegative = Field(default=0.05, description="of a signal's recall and false alarms")


class Experiment(_Strict):
    """A whole experiment file."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    seed: int = 0
    encoder: str = "bundled"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    feature_layers: tuple[int, ...]
    branch: BranchShape | None = None
    output: Path
    registry: Path = Path("runs/registry")
    runs: Path = Path("runs")
    data: Data
    fitting: Fitting = Fitting()
    calibration: Calibrating = Calibrating()
    gate: Gate = Gate()

    @property
    def run_folder(self) -> Path:
        """Where this experiment's stages leave what they make."""
        return self.runs / self.name

    @property
    def package_folder(self) -> Path:
        """Where the packaged model waits to be registered."""
        return self.run_folder / "model"


def read_experiment(path: Path) -> Experiment:
    """Read an experiment file.

    Raises:
        ExperimentError: It is missing, not TOML, or says what it may not.
    """
    try:
        return Experiment.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ExperimentError(f"expected an experiment file at {path}, got {error}") from error
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ExperimentError(f"{path} is not a valid experiment: {error}") from error
