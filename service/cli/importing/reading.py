"""How a file is read: its form, encoding and columns, as the options of the command say."""

import codecs
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from io import BufferedReader, TextIOWrapper
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from service.cli.errors import CliError
from service.cli.importing.columns import Others, check_field, columns_of, value_of
from service.cli.importing.csv_rows import read_csv
from service.cli.importing.items import Item, Rejection, item_of
from service.cli.importing.rows import Malformed, Row, decoded, read_json_lines

Form = Literal["jsonl", "csv"]

FORMS: Final[Mapping[str, Form]] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "csv"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How to read one file.

    Attributes:
        form: JSON Lines or CSV.
        encoding: `None` is UTF-8, or UTF-16 where the file says so.
        delimiter: Of a CSV file; `None` finds it.
        mapped: Fields by column of a CSV file.
        others: What becomes of columns that are no fields.
        defaults: Values of fields that a row lacks, by field.
        zone: Of times that carry none.
    """

    form: Form
    encoding: str | None = None
    delimiter: str | None = None
    mapped: Mapping[str, str]
    others: Others = "refuse"
    defaults: Mapping[str, Any]
    zone: tzinfo | None = None

    def results(self, source: BufferedReader) -> Iterator[Item | Rejection]:
        """Read a file, row by row.

        Raises:
            CliError: Its columns do not fit, or it is in another encoding throughout.
        """
        with decoded(source, self.encoding) as text:
            try:
                for row in self._rows(text):
                    yield item_of(row, defaults=self.defaults, zone=self.zone)
            except UnicodeError as error:  # UTF-16 and its like cannot go on after a broken unit
                raise CliError(f"the file is not in the encoding {text.encoding}: {error}") from error

    def _rows(self, text: TextIOWrapper) -> Iterator[Row | Malformed]:
        if self.form == "jsonl":
            yield from read_json_lines(text)
            return
        header, rows = read_csv(text, delimiter=self.delimiter)
        columns = columns_of(header, self.mapped, others=self.others)
        for row in rows:
            yield replace(row, values=columns.values_of(row.values)) if isinstance(row, Row) else row


def form_of(name: str, given: Form | None) -> Form:
    """Decide what a file is.

    Raises:
        CliError: Its name does not tell.
    """
    if given is not None:
        return given
    for ending, form in FORMS.items():
        if name.lower().endswith(ending):
            return form
    raise CliError(f"expected a file that ends in {', '.join(FORMS)}, or --format jsonl or csv; got {name!r}")


def mapping_of(given: Sequence[str]) -> dict[str, str]:
    """Read ``column=field`` pairs; a column may itself hold an equals sign.

    Raises:
        CliError: One is no such pair.

    >>> mapping_of(["Comment=text", "NPS=rating.value"])
    {'Comment': 'text', 'NPS': 'rating.value'}
    """
    mapped = {}
    for pair in given:
        column, sign, field = pair.rpartition("=")
        if not sign or not field:
            raise CliError(f"expected --map COLUMN=FIELD, got {pair!r}")
        mapped[column.strip()] = field if field == "-" else check_field(field)
    return mapped


def defaults_of(given: Sequence[str]) -> dict[str, Any]:
    """Read ``field=value`` pairs.

    Raises:
        CliError: One is no such pair.

    >>> defaults_of(["channel=email", "update=true"])
    {'channel': 'email', 'update': True}
    """
    defaults = {}
    for pair in given:
        field, sign, value = pair.partition("=")
        if not sign:
            raise CliError(f"expected --set FIELD=VALUE, got {pair!r}")
        defaults[field] = value_of(check_field(field), value)
    return defaults


def zone_of(name: str | None) -> tzinfo | None:
    """Find a time zone by its name.

    Raises:
        CliError: There is none of that name.
    """
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise CliError(f"expected a time zone such as Europe/Helsinki, got {name!r}") from error


def check_encoding(name: str | None) -> str | None:
    """Return the encoding.

    Raises:
        CliError: There is none of that name.
    """
    try:
        if name is not None:
            codecs.lookup(name)
    except LookupError as error:
        raise CliError(f"expected an encoding such as utf-8 or cp1252, got {name!r}") from error
    return name
