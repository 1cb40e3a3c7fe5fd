"""`closeloop corrections`: what people corrected, as a file that training reads."""

import os
from collections.abc import Iterable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

import typer

from service.cli.client import Client
from service.cli.console import err
from service.cli.errors import CliError
from service.cli.settings import client_settings


def export(
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON Lines; - is standard output.")],
    since: Annotated[
        str | None,
        typer.Option(help="Only what was corrected since, such as 2026-01-31T00:00:00Z."),
    ] = None,
) -> None:
    """Write every text that a person's label holds of, one a line, with these labels; oldest first.

    A label stands with the words that it was given on, where the text was changed later.

    The file is written whole or not at all; only its owner may read it, since it holds customers' words.
    """
    with Client(client_settings()) as client:
        chunks = client.chunks("/v1/corrections/export", {"since": since})
        lines = _to_standard_output(chunks) if file == "-" else _to_file(chunks, Path(file))
    where = "" if file == "-" else f" written to {file}"
    err().print(f"{lines:,} corrected {'text' if lines == 1 else 'texts'}{where}", markup=False)


def _to_standard_output(chunks: Iterable[bytes]) -> int:
    stdout = typer.get_binary_stream("stdout")
    lines = 0
    for chunk in chunks:
        stdout.write(chunk)
        lines += chunk.count(b"\n")
    stdout.flush()
    return lines


def _to_file(chunks: Iterable[bytes], file: Path) -> int:
    """Write beside the file first, so that an export that breaks off leaves an earlier one as it was.

    Raises:
        CliError: It cannot be written.
    """
    lines = 0
    try:
        with NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", delete=False) as partial:
            try:
                for chunk in chunks:
                    partial.write(chunk)
                    lines += chunk.count(b"\n")
                partial.close()
                os.replace(partial.name, file)  # noqa: PTH105  (a name, as tempfile gives it)
            except BaseException:
                Path(partial.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise CliError(f"cannot write {file}: {error.strerror}") from error
    return lines
