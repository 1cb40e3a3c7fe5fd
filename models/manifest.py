"""What a model folder says about itself: the form of its manifest.json."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.branch import BranchShape
from models.heads import HeadKind
from models.labels import SENTIMENTS, SIGNALS, TOPICS, URGENCIES

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


class HeadsManifest(Strict):
    """The four heads."""

    sentiment: HeadManifest
    urgency: HeadManifest
    topics: HeadManifest
    signals: HeadManifest

    @model_validator(mode="after")
    def _label_sets_are_closed(self) -> "HeadsManifest":
        for name, expected in (
            ("sentiment", SENTIMENTS),
            ("urgency", URGENCIES),
            ("topics", TOPICS),
            ("signals", SIGNALS),
        ):
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


class Measurement(Strict):
    """One figure of the report.

    `low` and `high` are a bootstrap 95 % interval; `majority` is the same metric of always answering
    the commonest label, `cross_validated` that of a head trained on these very rows in grouped folds.
    """

    rows: str
    head: Literal["sentiment", "urgency", "topics", "signals"]
    metric: str
    language: str = "all"
    n: int = Field(ge=0)
    value: float
    low: float | None = None
    high: float | None = None
    majority: float | None = None
    cross_validated: float | None = None


class Manifest(Strict):
    """The whole of manifest.json."""

    schema_version: Literal[2] = SCHEMA_VERSION
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    revision: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    created: datetime
    encoder: str = Field(min_length=1)
    feature_layers: tuple[int, ...]
    dimensions: int = Field(gt=0, description="length of one layer's part of the features")
    branch: BranchShape | None = Field(default=None, description="trained layers beside the frozen ones")
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
        frozen = len(self.feature_layers) * self.dimensions
        return frozen + (self.branch.width if self.branch else 0)
