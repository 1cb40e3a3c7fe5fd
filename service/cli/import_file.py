"""`closeloop import`: stores a file of feedback."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Annotated, Final, cast

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from service.cli.client import Client
from service.cli.console import err, out, print_json
from service.cli.errors import CliError
from service.cli.importing.columns import Others
from service.cli.importing.reading import (
    Form,
    Reading,
    check_encoding,
    defaults_of,
    form_of,
    mapping_of,
    zone_of,
)
from service.cli.importing.rejections import RejectionsFile
from service.cli.importing.run import Import, size_of
from service.cli.importing.sender import PATIENCE_SECONDS, Sender
from service.cli.importing.tally import Tally
from service.cli.settings import client_settings

STDIN: Final = "-"
INTERRUPTED: Final = 130


def import_file(
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON Lines or CSV; - is standard input.")],
    form: Annotated[Form | None, typer.Option("--format", help="If the ending does not tell.")] = None,
    mapped: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="COLUMN=FIELD", help="Which column of a CSV file is which field."),
    ] = None,
    others: Annotated[
        Others, typer.Option("--other-columns", help="What to do with columns that are no fields.")
    ] = "refuse",
    defaults: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="For rows that lack it, such as channel=email."),
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Of times that carry none, such as Europe/Helsinki.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="utf-8 if not given; old Excel writes cp1252.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="Of a CSV file; found if not given.")] = None,
    rejected: Annotated[
        Path | None, typer.Option(help="Where rejected rows go; FILE.rejected.jsonl if not given.")
    ] = None,
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for a service that is full or away.")
    ] = PATIENCE_SECONDS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check the rows, store nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as JSON.")] = False,
) -> None:
    """Store a file of feedback; safe to run again after anything that went wrong.

    The columns of a CSV file are fields of the API (text, external_id, occurred_at, author.email,
    rating.value, metadata.plan ...) or are mapped to them. A row without external_id gets one that is made
    from its line number and its content, so that the same file stores nothing twice. Rows that cannot be
    stored go to FILE.rejected.jsonl with the reason, and the exit code is 1.
    """
    reading = Reading(
        form=form_of(file, form),
        encoding=check_encoding(encoding),
        delimiter=_delimiter(delimiter),
        mapped=mapping_of(mapped or []),
        others=others,
        defaults=defaults_of(defaults or []),
        zone=zone_of(timezone),
    )
    if reading.form == "jsonl" and mapped:
        raise CliError("--map is for the columns of CSV files; JSON Lines name their fields themselves")
    target = rejected or Path("import.rejected.jsonl" if file == STDIN else f"{file}.rejected.jsonl")
    started = time.monotonic()
    with _opened(file) as source, RejectionsFile(target) as rejections:
        tally = _run(source, reading, rejections, patience=patience, dry_run=dry_run)
    seconds = time.monotonic() - started
    if as_json:
        print_json(
            {**tally.document(seconds=seconds), "rejected_file": str(target) if tally.rejected else None}
        )
    else:
        _tell(tally, target, seconds=seconds, dry_run=dry_run)
    if tally.rejected:
        raise typer.Exit(1)


def _run(
    source: BufferedReader, reading: Reading, rejections: RejectionsFile, *, patience: float, dry_run: bool
) -> Tally:
    started = time.monotonic()
    client = nullcontext() if dry_run else Client(client_settings())
    with client as speaks, _progress(size_of(source)) as (moved, tell):
        sender = Sender(speaks, patience_seconds=patience, tell=tell) if speaks is not None else None
        work = Import(source=source, reading=reading, rejections=rejections, sender=sender, moved=moved)
        try:
            return work.run()
        except (CliError, KeyboardInterrupt) as error:
            done = work.tally
            if done.created or done.known:
                tell(
                    f"stopped after {done.sentence(seconds=time.monotonic() - started)}; "
                    "the same command goes on, and stores nothing twice"
                )
            if isinstance(error, KeyboardInterrupt):
                raise typer.Exit(INTERRUPTED) from error
            raise


@contextmanager
def _opened(file: str) -> Iterator[BufferedReader]:
    if file == STDIN:
        # A buffer of our own: the form of the file is seen by looking ahead.
        stdin = BufferedReader(cast("RawIOBase", sys.stdin.buffer))
        try:
            yield cast("BufferedReader", stdin)
        finally:
            stdin.detach()
        return
    try:
        with Path(file).open("rb") as source:
            yield source
    except OSError as error:
        raise CliError(f"cannot read {file}: {error.strerror or error}") from error


@contextmanager
def _progress(total: int | None) -> Iterator[tuple[Callable[[int, Tally], None], Callable[[str], None]]]:
    """Show how far the import is; a pipe gets no bar."""
    console = err()
    columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("reading", total=total)

        def moved(position: int, tally: Tally) -> None:
            done = tally.created + tally.known
            progress.update(
                task, completed=position, description=f"{done:,} texts, {tally.rejected:,} rejected"
            )

        def tell(line: str) -> None:
            console.print(line, markup=False)

        yield moved, tell


def _tell(tally: Tally, target: Path, *, seconds: float, dry_run: bool) -> None:
    console = out()
    if dry_run:
        console.print(
            f"{tally.rows:,} rows checked, {tally.rejected:,} would be rejected; nothing was stored"
        )
    else:
        console.print(tally.sentence(seconds=seconds))
    if tally.rejected:
        console.print(
            f"rejected rows and their reasons: {target} (correct the items in it, then import it)",
            markup=False,
            soft_wrap=True,
        )


def _delimiter(given: str | None) -> str | None:
    """Read a delimiter.

    Raises:
        CliError: It is not one character.
    """
    if given is None:
        return None
    character = "\t" if given in {"\\t", "tab"} else given
    if len(character) != 1 or character in '"\r\n':
        raise CliError(f"expected one character as --delimiter, such as ';' or tab, got {given!r}")
    return character
