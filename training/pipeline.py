"""Stages with declared inputs and outputs; one whose inputs are unchanged is skipped."""

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from models.branch import Branch
from models.encoder.protocol import Encoder
from models.encoder.sentence import SentenceEncoder
from training.errors import ExperimentError
from training.experiment import Experiment
from training.features import FeatureCache
from training.token_cache import TokenCache


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What every stage gets.

    Attributes:
        experiment: The experiment file.
        features: Encodes texts with the frozen encoder, once each.
        tokens: Runs its lower layers, once a text; `None` without a branch.
        console: Where progress is shown.
    """

    experiment: Experiment
    features: FeatureCache
    tokens: TokenCache | None
    console: Console

    def served(self, branch: Branch | None) -> FeatureCache:
        """Return a cache of what heads read in serving: the same forward pass, branch included."""
        if branch is None:
            return self.features
        folder = self.experiment.runs / "features" / branch.digest()
        return FeatureCache(folder, self.features.encoder.with_branch(branch))

    def path(self, name: str) -> Path:
        """Return where a file of the run lies."""
        return self.experiment.run_folder / name


def make_context(experiment: Experiment, encoder: Encoder, console: Console) -> Context:
    """Return what stages get, with caches that all experiments in the runs' folder share.

    Raises:
        ExperimentError: The experiment has a branch, and the encoder no layers.
    """
    features = FeatureCache(experiment.runs / "features", encoder)
    tokens = None
    if experiment.branch is not None:
        if not isinstance(encoder, SentenceEncoder):
            raise ExperimentError(f"a branch needs an encoder with layers; {encoder.name} has none")
        tokens = TokenCache(
            experiment.runs / "tokens",
            encoder,
            layer=experiment.branch.from_layer,
            tokens_max=experiment.fitting.tokens_max,
        )
    return Context(experiment=experiment, features=features, tokens=tokens, console=console)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step from files to files.

    Attributes:
        name: What the user calls it.
        run: Reads the inputs and writes the outputs.
        settings: The part of the experiment that it depends on, as JSON values.
        inputs: Checksums of what it reads besides earlier stages' outputs, by name.
        reads: Files of the run folder that earlier stages wrote.
        writes: Files that it leaves, as paths.
        unfinished: Patterns of files in the run folder that a killed run goes on from; they are removed when
            the stage is done, and before it is forced.
    """

    name: str
    run: Callable[[Context], None]
    settings: Callable[[Experiment], Any]
    inputs: Callable[[Context], Mapping[str, str]]
    reads: tuple[str, ...]
    writes: Callable[[Context], Sequence[Path]]
    unfinished: tuple[str, ...] = ()


def run_stages(
    stages: Sequence[Stage], context: Context, *, until: str | None = None, force: bool = False
) -> list[str]:
    """Run stages in order, skipping those whose inputs, settings and outputs are as last time.

    A stage's stamp is written after its outputs, so a killed run takes up at the stage it was in.

    Args:
        stages: In order.
        context: Handed to each stage.
        until: Name of the last stage to run; all when `None`.
        force: Run also what could be skipped.

    Returns:
        Names of the stages that ran.

    Raises:
        ExperimentError: No stage is called `until`.
    """
    names = [stage.name for stage in stages]
    if until is not None and until not in names:
        raise ExperimentError(f"expected a stage ({', '.join(names)}), got {until!r}")
    context.experiment.run_folder.mkdir(parents=True, exist_ok=True)
    ran = []
    for stage in stages[: names.index(until) + 1 if until else None]:
        if not force and _is_unchanged(stage, context):
            context.console.print(f"[dim]{stage.name}: unchanged, skipped[/dim]")
            continue
        context.console.print(f"[bold]{stage.name}[/bold]")
        key = _key(stage, context)
        _stamp_path(stage, context).unlink(missing_ok=True)
        if force:
            _remove_unfinished(stage, context)
        stage.run(context)
        _write_stamp(stage, context, key)
        _remove_unfinished(stage, context)
        ran.append(stage.name)
    return ran


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _key(stage: Stage, context: Context) -> str:
    """Return one checksum over everything a stage's outputs depend on, its own code included."""
    source = inspect.getsourcefile(stage.run)
    parts = {
        "code": checksum(Path(source)) if source else "",
        "settings": stage.settings(context.experiment),
        "seed": context.experiment.seed,
        "encoder": context.features.encoder.space,
        "inputs": dict(stage.inputs(context)),
        "reads": {name: checksum(context.path(name)) for name in stage.reads},
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _remove_unfinished(stage: Stage, context: Context) -> None:
    for pattern in stage.unfinished:
        for path in context.experiment.run_folder.glob(pattern):
            path.unlink()


def _stamp_path(stage: Stage, context: Context) -> Path:
    return context.path(f"{stage.name}.stamp.json")


def _write_stamp(stage: Stage, context: Context, key: str) -> None:
    stamp = {"key": key, "outputs": {str(path): checksum(path) for path in stage.writes(context)}}
    path = _stamp_path(stage, context)
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    unfinished.replace(path)


def _is_unchanged(stage: Stage, context: Context) -> bool:
    try:
        stamp = json.loads(_stamp_path(stage, context).read_text(encoding="utf-8"))
        outputs = {str(path): checksum(path) for path in stage.writes(context)}
        return bool(stamp["key"] == _key(stage, context) and stamp["outputs"] == outputs)
    except (OSError, ValueError, KeyError):
        return False
