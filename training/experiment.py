"""What an experiment file may say: the form of the TOML under training/experiments."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.heads import HeadKind
from training.datasets.catalogue import LICENCES
from training.errors import ExperimentError

HeadName = Literal["sentiment", "urgency", "topics"]
HEADS: tuple[HeadName, ...] = ("sentiment", "urgency", "topics")

_Share = Annotated[float, Field(ge=0, le=1)]
_Positive = Annotated[float, Field(gt=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Use(_Strict):
    """One split of a data set, and what it serves."""

    source: str
    split: str
    heads: tuple[HeadName, ...] = Field(min_length=1)
    limit: int | None = Field(default=None, gt=0, description="most rows a language (and intent, if any)")
    weight: _Positive = Field(default=1.0, description="of a row in training, against 1 for a written text")

    @model_validator(mode="after")
    def _known(self) -> "Use":
        if self.source not in LICENCES:
            raise ValueError(
                f"expected a source of the catalogue ({', '.join(LICENCES)}), got {self.source!r}"
            )
        return self


class Data(_Strict):
    """Which rows take which part."""

    texts: Path
    folds: int = Field(default=5, ge=2)
    extra: tuple[Use, ...] = ()
    validation: tuple[Use, ...] = ()
    benchmark: tuple[Use, ...] = ()

    @model_validator(mode="after")
    def _trains_only_on_permissive(self) -> "Data":
        for use in self.extra:
            if not LICENCES[use.source].permissive:
                raise ValueError(f"{use.source} may not train what ships: {LICENCES[use.source].name}")
        return self


class Search(_Strict):
    """What to try for one head. The first value of each list is where the search starts.

    The lists are searched one after another, in this order, each time keeping the best value so far.
    """

    kinds: tuple[HeadKind, ...] = Field(min_length=1)
    c: tuple[_Positive, ...] = Field(default=(0.003,), min_length=1, description="inverse strength of L2")
    extra_weights: tuple[Annotated[float, Field(ge=0)], ...] = Field(default=(1.0,), min_length=1)
    gold_weights: tuple[_Positive, ...] = Field(default=(1.0,), min_length=1)
    class_balance: tuple[_Share, ...] = Field(default=(0.0,), min_length=1, description="0 none, 1 full")
    language_balance: tuple[_Share, ...] = Field(default=(0.0,), min_length=1, description="0 none, 1 full")
    second_topic_weights: tuple[_Share, ...] = Field(
        default=(1.0,), min_length=1, description="how much a topic counts that is not the main one"
    )
    accuracy_when_answering: _Share = Field(default=0.8, description="what abstention is to reach")


class Searches(_Strict):
    """One search a head."""

    sentiment: Search
    urgency: Search
    topics: Search


class Calibrating(_Strict):
    """On what calibration and thresholds are learnt."""

    domain_weights: dict[str, _Positive] = Field(
        default={}, description="how much a source counts as a whole among the held-out rows; 1 if unnamed"
    )
    urgent_recall: _Share = 0.85


class Experiment(_Strict):
    """A whole experiment file."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    seed: int = 0
    encoder: str = "bundled"
    feature_layers: tuple[int, ...]
    output: Path
    runs: Path = Path("runs")
    data: Data
    heads: Searches
    calibration: Calibrating = Calibrating()

    @property
    def run_folder(self) -> Path:
        """Where this experiment's stages leave what they make."""
        return self.runs / self.name


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
