"""The model card: the manifest as a page for people."""

from collections.abc import Iterable

from models.manifest import HeadManifest, LearntThreshold, Manifest, Measurement

_FIGURE_COLUMNS = (
    "metric",
    "n",
    "value",
    "95 % interval",
    "commonest label",
    "cross-validated on these rows",
)
_HEADS = ("sentiment", "urgency", "topics")


def render_card(manifest: Manifest) -> str:
    """Return the text of MODEL_CARD.md; it says nothing that the manifest does not.

    Args:
        manifest: Complete but for its file checksums.
    """
    parts = [
        _introduction(manifest),
        _use(),
        _labels(manifest),
        _overall(manifest),
        _languages(manifest),
        _nearness("Search relevance", manifest.relevance),
        _nearness("Similar texts", manifest.similar),
        _sources(manifest),
        _making(manifest),
    ]
    return "\n\n".join(parts) + "\n"


def _introduction(manifest: Manifest) -> str:
    return (
        f"# {manifest.name} {manifest.revision}\n\n"
        f"Linear heads for sentiment, urgency and topics of customer feedback, on layers "
        f"{', '.join(map(str, manifest.feature_layers))} of the encoder `{manifest.encoder}` (frozen). "
        f"Made on {manifest.created:%Y-%m-%d}. Every figure below is reproduced from this folder by "
        "`make evaluate`."
    )


def _use() -> str:
    return (
        "## What it is for, and what not\n\n"
        "It ranks and routes feedback for people who then read it. It is not a safety system: it misses "
        "urgent texts (see the recall below), and a text that reports danger must reach a person by another "
        "way too. Languages without figures below have been seen in training at most. "
        "Urgency and topics are learnt chiefly from texts written for this project, not from customers'; "
        "expect lower accuracy on your own texts than within the training data, and correct labels to "
        "retrain."
    )


def _labels(manifest: Manifest) -> str:
    rows = [
        (name, head.kind, ", ".join(head.labels), f"{head.abstain_below:.2f}", _thresholds(head))
        for name, head in ((name, getattr(manifest.heads, name)) for name in _HEADS)
    ]
    table = _table(("head", "kind", "labels", "abstains below", "a topic applies from"), rows)
    return (
        f"## Labels\n\n{table}\n\n"
        f"Operating point for urgent texts: {manifest.urgent.value:.2f} ({manifest.urgent.method})."
    )


def _thresholds(head: HeadManifest) -> str:
    pairs = zip(head.labels, head.thresholds, strict=False)
    return ", ".join(f"{label} {value:.2f}" for label, value in pairs) or "-"


def _overall(manifest: Manifest) -> str:
    found = [measurement for measurement in manifest.measurements if measurement.language == "all"]
    titles = dict.fromkeys((measurement.rows, measurement.head) for measurement in found)
    introduction = (
        "## Figures\n\n"
        "`gold` are real texts of many sources, labelled by the guideline, whose licences keep them out of "
        "training: none of them trained, chose or calibrated anything here. The last column is a plain "
        "linear head trained on these very rows in grouped folds: what the same features reach when the "
        "training texts are of the same kind."
    )
    parts = [introduction]
    for rows, head in titles:
        lines = [_figures(m) for m in found if (m.rows, m.head) == (rows, head)]
        parts.append(f"### {head} on {rows}\n\n{_table(_FIGURE_COLUMNS, lines)}")
    return "\n\n".join(parts)


def _figures(measurement: Measurement) -> tuple[str, ...]:
    return (
        measurement.metric,
        str(measurement.n),
        f"{measurement.value:.3f}",
        _interval(measurement),
        _optional(measurement.majority),
        _optional(measurement.cross_validated),
    )


def _languages(manifest: Manifest) -> str:
    parts = ["## By language\n\nWith fewer than 50 texts an interval is too wide to rank languages by."]
    found = [measurement for measurement in manifest.measurements if measurement.language != "all"]
    for rows, head in dict.fromkeys((m.rows, m.head) for m in found):
        here = [m for m in found if (m.rows, m.head) == (rows, head)]
        metrics = tuple(dict.fromkeys(m.metric for m in here))
        lines = []
        for language in dict.fromkeys(m.language for m in here):
            by_metric = {m.metric: m for m in here if m.language == language}
            cells = [f"{by_metric[name].value:.2f} {_interval(by_metric[name])}" for name in metrics]
            lines.append((language, str(by_metric[metrics[0]].n), *cells))
        parts.append(f"### {head} on {rows}\n\n{_table(('language', 'n', *metrics), lines)}")
    return "\n\n".join(parts)


def _nearness(title: str, threshold: LearntThreshold) -> str:
    figures = [(name.replace("_", " "), f"{value:g}") for name, value in threshold.figures.items()]
    return f"## {title}\n\nFrom cosine {threshold.value:.3f}: {threshold.method}.\n\n" + _table(
        ("figure", "value"), figures
    )


def _sources(manifest: Manifest) -> str:
    rows = [
        (
            source.name,
            source.licence,
            str(source.rows),
            ", ".join(f"{purpose} {count}" for purpose, count in source.used.items()) or "-",
            f"`{source.sha256[:12]}`",
        )
        for source in manifest.sources
    ]
    return (
        "## Data\n\n"
        "Rows used: `folds` and `extra` train; rows of `folds` and `validation` are held out once each to "
        "choose and to calibrate; `report` and `benchmark` are only reported on.\n\n"
        + _table(("source", "licence", "rows", "rows used", "sha256"), rows)
    )


def _making(manifest: Manifest) -> str:
    choices = [(name, str(value)) for name, value in manifest.choices.items()]
    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    return f"## Making\n\nSeed {manifest.seed}; {versions}.\n\n{_table(('choice', 'value'), choices)}"


def _interval(measurement: Measurement) -> str:
    if measurement.low is None or measurement.high is None:
        return "-"
    return f"[{measurement.low:.2f}, {measurement.high:.2f}]"


def _optional(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
