"""The command line: ``python -m training run|evaluate|texts|means``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from models.encoder.load import load_encoder
from models.errors import ModelError
from models.weights import default_cache
from training.comparison import compare_with_card
from training.datasets.texts import read_texts
from training.errors import TrainingError
from training.experiment import Experiment, read_experiment
from training.features import FeatureCache
from training.language_means import language_means
from training.pipeline import Context, run_stages
from training.stages import STAGES
from training.text_counts import render_counts

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Train and evaluate the heads.")

_ExperimentFile = Annotated[Path, typer.Argument(help="such as training/experiments/default.toml")]
_Cache = Annotated[Path | None, typer.Option(envvar="CLOSELOOP_MODEL_CACHE", help="converted encoders")]


@app.command()
def run(
    experiment: _ExperimentFile,
    *,
    until: Annotated[str | None, typer.Option(help="last stage to run")] = None,
    force: Annotated[bool, typer.Option("--force", help="run also what is unchanged")] = False,
    cache: _Cache = None,
) -> None:
    """Run the stages prepare, train, calibrate, evaluate, package; skip what is unchanged."""
    console = Console(stderr=True)
    try:
        context = _context(read_experiment(experiment), cache, console)
        run_stages(STAGES, context, until=until, force=force)
    except (TrainingError, ModelError) as error:
        _stop(console, error)


@app.command()
def evaluate(
    experiment: _ExperimentFile,
    *,
    model: Annotated[Path, typer.Option(help="model folder")] = Path("models/default"),
    cache: _Cache = None,
) -> None:
    """Measure a model folder anew and compare with every figure that it states."""
    console = Console(stderr=True)
    try:
        context = _context(read_experiment(experiment), cache, console)
        differing = compare_with_card(context, model, Console())
    except (TrainingError, ModelError) as error:
        _stop(console, error)
    if differing:
        console.print(f"{differing} figures differ from what the folder states")
        raise typer.Exit(1)


@app.command()
def texts(
    folder: Annotated[Path, typer.Argument(help="folder of the written texts")] = Path("training/data/texts"),
) -> None:
    """Print the tables of the written texts for training/data/README.md."""
    try:
        typer.echo(render_counts(read_texts(folder)))
    except TrainingError as error:
        _stop(Console(stderr=True), error)


@app.command()
def means(
    folder: Annotated[Path, typer.Argument(help="folder of the written texts")] = Path("training/data/texts"),
    *,
    encoder: Annotated[str, typer.Option(help="as in an experiment")] = "bundled",
    out: Annotated[Path, typer.Option(help="folder to write to")] = Path("models/complaints/priors"),
    cache: _Cache = None,
) -> None:
    """Write the mean vector of each language, for complaints of tenants with few texts (two minutes)."""
    console = Console(stderr=True)
    try:
        loaded = load_encoder(encoder, cache or default_cache(), report=console.print)
        found = language_means([text for texts in read_texts(folder).values() for text in texts], loaded)
    except (TrainingError, ModelError) as error:
        _stop(console, error)
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{loaded.space}.npz").write_bytes(found.to_bytes())


def _context(experiment: Experiment, cache: Path | None, console: Console) -> Context:
    encoder = load_encoder(experiment.encoder, cache or default_cache(), report=console.print)
    features = FeatureCache(experiment.run_folder / "features", encoder)
    return Context(experiment=experiment, features=features, console=console)


def _stop(console: Console, error: Exception) -> None:
    console.print(f"[red]{error}[/red]", markup=True, highlight=False)
    raise typer.Exit(2) from error


if __name__ == "__main__":
    app()
