"""From the columns of somebody's CSV file to the fields of a feedback."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import BaseModel

from service.api.v1.wire.feedback import AuthorIn, FeedbackIn, RatingIn
from service.cli.errors import CliError

_NESTED: Final[dict[str, type[BaseModel]]] = {"author": AuthorIn, "rating": RatingIn}

FIELDS: Final = tuple(
    [name for name in FeedbackIn.model_fields if name not in {*_NESTED, "metadata"}]
    + [f"{name}.{field}" for name, form in _NESTED.items() for field in form.model_fields]
)
"""Fields that a column can be; `metadata.<name>` comes on top."""

METADATA: Final = "metadata."
SKIP: Final = "-"

Others = Literal["refuse", "metadata", "skip"]

_BOOLEANS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which column is which field; a column that is left out is none."""

    fields: Mapping[str, str]

    def values_of(self, cells: Mapping[str, str]) -> dict[str, Any]:
        """Return a record's values under their fields' names, nested as the API wants them.

        >>> Columns(fields={"Stars": "rating.value"}).values_of({"Stars": "4"})
        {'rating': {'value': 4.0}}
        """
        values: dict[str, Any] = {}
        for column, cell in cells.items():
            field = self.fields.get(column)
            if field is not None:
                put(values, field, value_of(field, cell), replace=True)
        return values


def columns_of(header: Sequence[str], mapped: Mapping[str, str], *, others: Others) -> Columns:
    """Decide which column is which field.

    Args:
        header: Names of the columns.
        mapped: Fields by column, as `--map` gives them; `-` leaves a column out.
        others: What becomes of columns that are neither mapped nor named like a field.

    Raises:
        CliError: A column is unknown, twice there or mapped to no field, or none is the text.
    """
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise CliError(f"expected each column once, got {_quoted(repeated)} several times")
    missing = sorted(set(mapped) - set(header))
    if missing:
        raise CliError(f"--map names {_quoted(missing)}, but the columns are {_quoted(header)}")
    fields = {column: mapped.get(column) or _field_named(column) for column in header}
    unknown = [column for column, field in fields.items() if field is None]
    if unknown and others == "refuse":
        raise CliError(
            f"unknown {'column' if len(unknown) == 1 else 'columns'} {_quoted(unknown)}: map each to a field "
            f"(--map '{unknown[0]}=FIELD'), keep it (--map '{unknown[0]}=metadata.NAME'), leave it out "
            f"(--map '{unknown[0]}={SKIP}'), or say --other-columns metadata or skip. "
            f"Fields: {', '.join(FIELDS)}, metadata.NAME"
        )
    if others == "metadata":
        fields |= {column: f"{METADATA}{column}" for column in unknown}
    chosen = {column: field for column, field in fields.items() if field not in (None, SKIP)}
    return _checked({column: field for column, field in chosen.items() if field is not None})


def check_field(field: str) -> str:
    """Return a field's name.

    Raises:
        CliError: There is no such field.
    """
    if field not in FIELDS and (not field.startswith(METADATA) or field == METADATA):
        raise CliError(f"unknown field {field!r}; fields are {', '.join(FIELDS)}, metadata.NAME")
    return field


def value_of(field: str, cell: str) -> Any:
    """Read a cell as its field wants it; what does not fit stays text, for the check of the item to refuse.

    >>> value_of("solicited", "yes"), value_of("rating.value", "4,5"), value_of("text", " ok ")
    (True, '4,5', ' ok ')
    """
    if field == "text" or field.startswith(METADATA):
        return cell
    cell = cell.strip()
    if field in {"solicited", "update"}:
        return _BOOLEANS.get(cell.lower(), cell)
    if field == "rating.value":
        try:
            return float(cell)
        except ValueError:
            return cell
    return cell


def put(values: dict[str, Any], field: str, value: Any, *, replace: bool) -> None:
    """Set a field of a record, whatever its depth.

    Args:
        values: The record.
        field: Such as ``rating.kind``.
        value: What to set.
        replace: Whether a value that is there already gives way.
    """
    name, _, inner = field.partition(".")
    if inner:
        values[name] = values.get(name) or {}
        if isinstance(values[name], dict):
            put(values[name], inner, value, replace=replace) if name != "metadata" else _put_flat(
                values[name], inner, value, replace=replace
            )
    else:
        _put_flat(values, name, value, replace=replace)


def _put_flat(values: dict[str, Any], name: str, value: Any, *, replace: bool) -> None:
    if replace or values.get(name) is None:
        values[name] = value


def _field_named(column: str) -> str | None:
    """Find the field that a column is named after; `External ID` is `external_id`."""
    name = column.strip().lower().replace(" ", "_").replace("-", "_")
    if name in FIELDS:
        return name
    return column if column.startswith(METADATA) and column != METADATA else None


def _checked(fields: dict[str, str]) -> Columns:
    for field in fields.values():
        check_field(field)
    twice = sorted({field for field in fields.values() if list(fields.values()).count(field) > 1})
    if twice:
        raise CliError(f"expected one column a field, got several for {_quoted(twice)}")
    if "text" not in fields.values():
        raise CliError(
            f"expected a column with the text: name it with --map 'COLUMN=text'; got {_quoted(fields)}"
        )
    return Columns(fields=fields)


def _quoted(names: Sequence[str] | Mapping[str, str]) -> str:
    return ", ".join(repr(name) for name in names) or "none"
