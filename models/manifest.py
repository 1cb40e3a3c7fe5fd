"""What a model folder says about itself: the form of its manifest.json."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.arrays import Floats1d, Floats2d
from models.branch import BranchShape
from models.calibration import Calibration
from models.heads import HeadKind, LinearHead
from models.labels import LABELS, HeadName

SCHEMA_VERSION: Literal[2] = 2

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Probability = Annotated[float, Field(ge=0, le=1)]


class Strict(BaseModel):
    """Refuses what it does not know, and infinities."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class HeadManifest(Strict):
    """A head without its weights; see `models.heads.LinearHead` for the fields."""

    kind: HeadKind
    labels: tuple[str, ...] = Field(min_length=2)
    temperature: tuple[Annotated[float, Field(gt=0)], ...] = (1.0,)
    shift: tuple[float, ...] = (0.0,)
    suggest_from: Probability = 0.0
    apply_from: Probability = 0.0
    thresholds: tuple[Probability, ...] = ()

    @classmethod
    def of(cls, head: LinearHead) -> "HeadManifest":
        """Describe a head."""
        return cls(
            kind=head.kind,
            labels=head.labels,
            temperature=head.calibration.temperature,
            shift=head.calibration.shift,
            suggest_from=head.suggest_from,
            apply_from=head.apply_from,
            thresholds=head.thresholds,
        )

    def with_weights(self, weight: Floats2d, bias: Floats1d) -> LinearHead:
        """Return the head with its weights.

        Args:
            weight: *Shape:* ``(logits, width)``, float32.
            bias: *Shape:* ``(logits,)``, float32.

        Raises:
            ValueError: They do not fit the labels.
        """
        return LinearHead(
            kind=self.kind,
            labels=self.labels,
            weight=weight,
            bias=bias,
            calibration=Calibration(temperature=self.temperature, shift=self.shift),
            suggest_from=self.suggest_from,
            apply_from=self.apply_from,
            thresholds=self.thresholds,
        )


class HeadsManifest(Strict):
    """The four heads."""

    sentiment: HeadManifest
    urgency: HeadManifest
    topics: HeadManifest
    signals: HeadManifest

    @model_validator(mode="after")
    def _label_sets_are_closed(self) -> "HeadsManifest":
        for name, expected in LABELS.items():
            found = getattr(self, name).labels
            if found != expected:
                raise ValueError(f"{name} must have the labels {expected}, got {found}")
        return self


class LearntThreshold(Strict):
    """A cosine from which two texts count as related, and how it was found."""

    value: Annotated[float, Field(ge=-1, le=1)]
    method: str
    figures: dict[str, float] = {}


class UrgentThreshold(Strict):
    """The operating point: P(high) + P(critical) from which a text counts as urgent."""

    value: Probability
    method: str
    figures: dict[str, float] = {}


class DataSource(Strict):
    """One file that was read, and what for."""

    name: str
    licence: str
    permissive: bool
    sha256: Sha256
    rows: int = Field(ge=0, description="rows in the file")
    used: dict[str, int] = Field(default={}, description="rows used, by purpose, such as urgency/train")


class Estimate(Strict):
    """A figure with its bootstrap 95 % interval."""

    value: float
    low: float
    high: float


class Measurement(Strict):
    """One figure of the report.

    `low` and `high` are a bootstrap 95 % interval; `baselines` holds the same metric of simpler methods
    on the same rows, by name.
    """

    rows: str
    head: HeadName
    metric: str
    language: str = "all"
    n: int = Field(ge=0)
    value: float
    low: float | None = None
    high: float | None = None
    baselines: dict[str, Estimate] = {}


class Manifest(Strict):
    """The whole of manifest.json."""

    schema_version: Literal[2] = SCHEMA_VERSION
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    revision: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    created: datetime
    encoder: str = Field(min_length=1)
    feature_layers: tuple[int, ...]
    dimensions: int = Field(gt=0, description="length of one layer's part of the features")
    branch: BranchShape | None = Field(default=None, description="where features come from, if it exists")
    heads: HeadsManifest
    urgent: UrgentThreshold
    relevance: LearntThreshold
    similar: LearntThreshold
    sources: tuple[DataSource, ...] = ()
    seed: int = 0
    choices: dict[str, str | float] = Field(default={}, description="hyperparameters chosen by validation")
    versions: dict[str, str] = {}
    measurements: tuple[Measurement, ...] = ()
    files: dict[str, Sha256] = Field(description="checksum of every other file of the folder")

    @property
    def width(self) -> int:
        """Length of a row of features."""
        return self.branch.width if self.branch else len(self.feature_layers) * self.dimensions
