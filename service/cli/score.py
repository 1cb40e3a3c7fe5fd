"""`closeloop score`: what the models say about a text, nothing is stored."""

import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from service.cli.cells import (
    MARKS,
    SENTIMENT_STYLES,
    URGENCY_STYLES,
    label_cell,
    stacked,
    table,
    text_cell,
    words,
)
from service.cli.client import Client
from service.cli.console import is_wide, out, print_json
from service.cli.errors import CliError
from service.cli.settings import client_settings

ITEMS_MAX: Final = 256
CHARS_MAX: Final = 200_000
"""What one request may carry (docs/openapi.json)."""

DEADLINE_SECONDS: Final = 60.0

EXPLAINED: Final = {
    "suggest": "a suggestion: sure enough for a person who decides, not to be acted on unseen",
    "abstain": "below the published confidence: a person should look",
}
"""What the marks behind a label mean."""


def score(
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]...", help="Texts; lines of standard input if none.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="Language of the texts, if known, such as de.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The service's own answer.")] = False,
) -> None:
    """Score texts: language, sentiment, urgency, topics. Nothing is stored."""
    given = texts or _lines()
    results: list[dict[str, Any]] = []
    model: dict[str, Any] = {}
    with Client(client_settings()) as client:
        for batch in batches(given):
            items = [{"text": text, "language": language} for text in batch]
            answer = client.post("/v1/score", {"items": items}, deadline_seconds=DEADLINE_SECONDS)
            results += answer["results"]
            model = answer["model"]
    if as_json:
        print_json({"model": model, "results": results})
    else:
        _show(given, results, model)


def batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """Cut texts into requests that the service accepts.

    >>> [len(batch) for batch in batches(["a"] * 300)]
    [256, 44]
    """
    batch: list[str] = []
    characters = 0
    for text in texts:
        if batch and (len(batch) == ITEMS_MAX or characters + len(text) > CHARS_MAX):
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch


def _lines() -> list[str]:
    if sys.stdin.isatty():
        raise CliError('expected texts to score: closeloop score "the app crashes", or lines in a pipe')
    try:
        lines = [line.strip() for line in sys.stdin]
    except UnicodeDecodeError as error:
        raise CliError(f"expected lines in UTF-8 on standard input, got something else: {error}") from error
    lines = [line for line in lines if line]
    if not lines:
        raise CliError("expected a text a line on standard input, got none")
    return lines


def _show(texts: Sequence[str], results: Sequence[dict[str, Any]], model: dict[str, Any]) -> None:
    console = out()
    wide = is_wide(console)
    rows = table()
    for heading in ("Language", "Sentiment", "Urgency"):
        rows.add_column(heading, no_wrap=True)
    if wide:
        rows.add_column("Topics", min_width=16)
        rows.add_column("Kind", no_wrap=True)
    rows.add_column("Text", min_width=24, ratio=1, overflow="fold")
    for text, result in zip(texts, results, strict=True):
        topics = words([row["label"] for row in result["topics"]] or [result["topic"]])
        shown, kind = text_cell(text, result), result["kind"]
        rows.add_row(
            f"{result['language']['code']} {result['language']['confidence']:.0%}",
            label_cell(result["sentiment"], SENTIMENT_STYLES),
            label_cell(result["urgency"], URGENCY_STYLES),
            *([topics, kind, shown] if wide else [stacked(shown, Text(f"{kind}: {topics}", style="dim"))]),
        )
    console.print(rows)
    console.print(f"model {model['name']} {model['revision']}, encoder {model['encoder']}", style="dim")
    decisions = {row[name]["decision"] for row in results for name in ("sentiment", "urgency")}
    for decision, explained in EXPLAINED.items():
        if decision in decisions:
            console.print(f"{MARKS[decision]} {explained}", style="dim")
