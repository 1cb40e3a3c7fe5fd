"""How far a cache has come, on the terminal."""

from collections.abc import Callable, Sequence

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from training.pipeline import Context


def show_progress(
    context: Context,
    what: str,
    missing: Sequence[str],
    ensure: Callable[..., None],
) -> None:
    """Compute what a cache lacks, and show how it goes.

    Args:
        context: Where progress is shown.
        what: Is done.
        missing: Texts that the cache lacks.
        ensure: The cache's method.
    """
    if not missing:
        return
    columns = (TextColumn(f"  {what}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=context.console) as progress:
        task = progress.add_task(what, total=len(missing))
        ensure(missing, advance=lambda done: progress.advance(task, done))
