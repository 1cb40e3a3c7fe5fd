"""Texts, labels and reasons as cells of a table; safe to show whatever a customer wrote."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

JOINERS: Final = "\u200c\u200d"
"""Invisible, but scripts and emoji are wrong without them."""

TEXT_CELLS: Final = 110
"""What is shown of a text, in columns of a terminal; a Chinese character takes two."""

URGENCY_STYLES: Final = {"critical": "bold red", "high": "dark_orange", "medium": "yellow", "low": "green"}
SENTIMENT_STYLES: Final = {"negative": "red", "neutral": "", "positive": "green"}

MARKS: Final = {"suggest": "~", "abstain": "?"}
"""What follows a label that may not be acted on unseen."""

REASONS_MAX: Final = 3
CONTRIBUTION_MIN: Final = 1.0
"""Terms that add less than this are no reason."""

SPEAKING_TERMS: Final = frozenset({"account_value", "declared_urgency", "sentiment", "complaint", "churn"})
"""Terms whose reason says what it is about."""


def table(title: str | None = None) -> Table:
    """Return an empty table."""
    return Table(
        title=None if title is None else Text(title),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        header_style="bold",
        pad_edge=False,
        show_edge=False,
        # On the right only: with the divider that is two columns between two cells.
        padding=(0, 1, 0, 0),
    )


def plain(text: str) -> str:
    r"""Return a text as one line that cannot act on the terminal.

    Escape sequences, control characters and marks that reverse the direction go.

    >>> plain("a\x1b[31mb\n c")
    'a [31mb c'
    """
    safe = "".join(
        character if character.isprintable() or character in JOINERS else " " for character in text
    )
    return " ".join(safe.split())


def shorten(text: str, cells: int = TEXT_CELLS) -> str:
    """Cut a text to a number of columns, between words where it has some.

    >>> shorten("the app crashes at checkout", 20)
    'the app crashes at…'
    >>> shorten("短い", 20)
    '短い'
    """
    line = plain(text)
    if cell_len(line) <= cells:
        return line
    kept, width = 0, 0
    while width + cell_len(line[kept]) <= cells - 1:
        width += cell_len(line[kept])
        kept += 1
    space = line.rfind(" ", 0, kept + 1)
    # Chinese and Japanese put no spaces: there a cut between characters is as good as another.
    return line[: space if space > kept // 2 else kept].rstrip() + "…"


def urgency_cell(feedback: Mapping[str, Any]) -> Text:
    """Show an urgency; a question mark says that the model would rather have a person look."""
    label = feedback.get("urgency")
    judged = (feedback.get("score") or {}).get("urgency") or {}
    doubt = "?" if judged.get("abstained") and judged.get("label") == label else ""
    return Text(f"{label or '-'}{doubt}", style=URGENCY_STYLES.get(label or "", ""))


def label_cell(judged: Mapping[str, Any], styles: Mapping[str, str]) -> Text:
    """Show a scored label with its confidence and what that is good for, such as ``high 71%~``."""
    mark = MARKS.get(judged["decision"], "")
    return Text(f"{judged['label']} {judged['confidence']:.0%}{mark}", style=styles.get(judged["label"], ""))


def text_cell(text: str, score: Mapping[str, Any] | None, cells: int = TEXT_CELLS) -> Text:
    """Show a text, and below it what it says beside its labels."""
    shown, signals = Text(shorten(text, cells)), signals_cell(score)
    return shown if signals.plain == "-" else Text("\n").join([shown, signals])


def signals_cell(score: Mapping[str, Any] | None) -> Text:
    """Show what a text says beside its labels, such as ``announces leaving 92%``; `-` when nothing.

    >>> told = {"label": "urgent", "probability": 0.9}
    >>> signals_cell({"declares": [told], "non_feedback": {"present": True, "probability": 0.8}}).plain
    'perhaps no feedback 80% · declares: urgent 90%'
    """
    known = score or {}
    said = [
        f"{words} {known[name]['probability']:.0%}"
        for name, words in (("non_feedback", "perhaps no feedback"), ("churn_risk", "announces leaving"))
        # Null or absent where the text was scored before this was told.
        if (known.get(name) or {}).get("present")
    ]
    declared = [f"{row['label']} {row['probability']:.0%}" for row in known.get("declares") or []]
    if declared:
        said.append(f"declares: {', '.join(declared)}")
    return Text(" · ".join(said) or "-", style="magenta")


def account_cell(feedback: Mapping[str, Any], names: Mapping[str, str]) -> Text:
    """Show whose text it is: the account's name where it is known, else its id."""
    external_id = feedback.get("account_external_id")
    if not external_id:
        return Text("-", style="dim")
    return Text(shorten(names.get(external_id, external_id), 48))


def reasons_cell(priority: Mapping[str, Any]) -> Text:
    """Show what adds most to a priority, a line each."""
    strongest = sorted(priority["terms"], key=lambda term: -term["contribution"])[:REASONS_MAX]
    lines = [
        f"+{term['contribution']:.0f} {reason(term)}"
        for term in strongest
        if term["contribution"] >= CONTRIBUTION_MIN
    ]
    return Text("\n".join(lines) or "-")


def reason(term: Mapping[str, Any]) -> str:
    """Write one term of a priority, short enough for a line of a table.

    >>> reason({"name": "urgency", "value": 0.9, "reason": "critical 20%, high 75%, low 5%"})
    'urgency: high 75%'
    >>> reason({"name": "account_value", "value": 1.0, "reason": "enterprise, revenue 90,000"})
    'enterprise, revenue 90,000'
    """
    name, told = str(term["name"]), plain(str(term["reason"]))
    if name == "urgency":
        shares, *doubt = told.split("; ")
        told = "; ".join([max(shares.split(", "), key=_percent), *doubt])
    if name == "waiting" and (term["value"] or 0.0) >= 1.0:
        return "first answer overdue"
    return told if name in SPEAKING_TERMS else f"{name.replace('_', ' ')}: {told}"


def _percent(part: str) -> float:
    """Return the share that ends a part such as ``high 20%``; 0 where there is none."""
    number = part.rpartition(" ")[2].removesuffix("%")
    return float(number) if number.isdecimal() else 0.0


def stacked(*cells: Text) -> Text:
    r"""Put several cells into one, each on a line of its own; one that says nothing is left out.

    >>> stacked(Text("-"), Text("a"), Text("b")).plain
    'a\nb'
    """
    return Text("\n").join(cell for cell in cells if cell.plain != "-")


def words(labels: Iterable[str]) -> str:
    """Write labels as words, such as ``bug crash, billing payment``."""
    return ", ".join(label.replace("_", " ") for label in labels)
