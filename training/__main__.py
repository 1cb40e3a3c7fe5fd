"""The command line: ``python -m training run|evaluate|texts|means``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from models.encoder.load import load_encoder
from models.errors import ModelError
from models.weights import default_cache
from training.agreement import render_agreement
from training.comparison import compare_with_card
from training.datasets.texts import read_texts
from training.errors import TrainingError
from training.experiment import Experiment, read_experiment
from training.language_means import language_means
from training.pipeline import Context, make_context, run_stages
from training.progress import show_progress
from training.stages import STAGES
from training.stages.prepare import read_all, without_leaks
from training.suspects import find_suspects
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
    """Run prepare, train, calibrate, evaluate, package, register; skip what is unchanged."""
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
def suspects(
    experiment: _ExperimentFile,
    *,
    source: Annotated[str | None, typer.Option(help="only rows of this source, such as texts")] = None,
    cache: _Cache = None,
) -> None:
    """Print labels that are probably wrong, least believable first, as tab-separated lines."""
    console = Console(stderr=True)
    try:
        context = _context(read_experiment(experiment), cache, console)
        examples = [
            row
            for row in without_leaks(read_all(context.experiment)[0])
            if row.role != "benchmark" and source in {None, row.source}
        ]
        texts = [row.text for row in examples]
        show_progress(context, "frozen features", context.features.missing(texts), context.features.ensure)
        features = context.features.load(texts).features
        typer.echo("head\tgiven\tlikely\tprobability of given\tid")
        for found in find_suspects(examples, features, seed=context.experiment.seed):
            typer.echo(
                f"{found.head}\t{found.given}\t{found.likely}\t{found.given_probability:.3f}\t{found.example.id}"
            )
    except (TrainingError, ModelError) as error:
        _stop(console, error)


@app.command()
def texts(
    folder: Annotated[Path, typer.Argument(help="folder of the written texts")] = Path("training/data/texts"),
) -> None:
    """Print the tables of the written texts for training/data/README.md."""
    try:
        read = read_texts(folder)
        typer.echo(render_counts(read))
        second = folder.parent / "second_labels.tsv"
        if second.exists():
            typer.echo(f"\n{render_agreement(read, second)}")
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
    return make_context(experiment, encoder, console)


def _stop(console: Console, error: Exception) -> None:
    console.print(str(error), style="red", markup=False, highlight=False)
    raise typer.Exit(2) from error


if __name__ == "__main__":
    app()
