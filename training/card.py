"""The model card: the manifest as a page for people."""

from collections.abc import Iterable

from models.manifest import Estimate, HeadManifest, LearntThreshold, Manifest, Measurement

_HEADS = ("sentiment", "urgency", "topics", "signals")
_BY_LANGUAGE_LEAST = 10
"""Languages with fewer rows are left out of the card; the manifest has them."""


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
    layers = ", ".join(map(str, manifest.feature_layers))
    reads = f"layers {layers} of the encoder `{manifest.encoder}`, which is frozen"
    if manifest.branch:
        last = manifest.branch.first_layer + manifest.branch.layers - 1
        reads = (
            f"a branch of the encoder `{manifest.encoder}`: {manifest.branch.layers} layers that began as "
            f"copies of its layers {manifest.branch.first_layer} to {last}, read what its layer "
            f"{manifest.branch.from_layer} leaves, and are pooled by their mean and "
            f"{manifest.branch.queries} learnt queries. The encoder itself, and with it every retrieval "
            "vector, is as it was"
        )
    return (
        f"# {manifest.name} {manifest.revision}\n\n"
        f"Heads for sentiment, urgency, topics and signals of customer feedback, on {reads}. "
        f"Made on {manifest.created:%Y-%m-%d}. Every figure below is reproduced from this folder by "
        "`make evaluate`."
    )


def _use() -> str:
    return (
        "## What it is for, and what not\n\n"
        "It ranks and routes feedback for people who then read it. It is not a safety system: it misses "
        "urgent texts (see the recall below), and a text that reports danger must reach a person by another "
        "way too. Languages without figures below have been seen in training at most. "
        "Training texts were written, and real ones labelled, by language models under the guideline, not by "
        "customers or by people who answer for their labels; expect lower accuracy on your own texts, and "
        "correct labels to retrain."
    )


def _labels(manifest: Manifest) -> str:
    heads = [(name, getattr(manifest.heads, name)) for name in _HEADS]
    rows = [
        (
            name,
            head.kind,
            ", ".join(head.labels),
            "-" if name == "signals" else f"{head.suggest_from:.2f}",
            "-" if name == "signals" else f"{head.apply_from:.2f}",
            _thresholds(head),
        )
        for name, head in heads
    ]
    table = _table(("head", "kind", "labels", "suggest from", "apply from", "a label applies from"), rows)
    return (
        f"## Labels\n\n{table}\n\n"
        "Below `suggest` a label is a guess and the answer says that it abstains; from `apply` on it may be "
        "acted on unseen; what each gives in coverage and accuracy stands in the figures. A text that shows "
        "the signal `non_feedback` abstains in every head.\n\n"
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
        "training. They calibrate: each is read by calibration and thresholds that were fitted to other "
        "folds of them. What the heads got wrong on them told which texts to write next, and recipes were "
        "compared on them, so these figures are flattered. `texts`, `judged` and `non_feedback` are held-out "
        "rows of our own: written texts, real texts of data sets that train, and what is no feedback (beside "
        "the gold rows, as what is not to be taken for it); signals are cross-fitted there. The others are "
        "public splits that did not train. A text that is taken for no feedback counts as abstained in every "
        "head. Baselines were run in the same call: the commonest label; logistic regression on the frozen "
        "encoder's features, trained on at most 8,000 of the rows that train; the AFINN word list where all "
        "rows are English or Danish."
    )
    parts = [introduction]
    for rows, head in titles:
        here = [m for m in found if (m.rows, m.head) == (rows, head)]
        baselines = tuple(dict.fromkeys(name for m in here for name in m.baselines))
        header = ("metric", "n", "value", "95 % interval", *baselines)
        parts.append(f"### {head} on {rows}\n\n{_table(header, [_figures(m, baselines) for m in here])}")
    return "\n\n".join(parts)


def _figures(measurement: Measurement, baselines: tuple[str, ...]) -> tuple[str, ...]:
    return (
        measurement.metric,
        str(measurement.n),
        f"{measurement.value:.3f}",
        _interval(measurement),
        *(_baseline(measurement.baselines.get(name)) for name in baselines),
    )


def _languages(manifest: Manifest) -> str:
    introduction = (
        "## By language\n\nWith fewer than 50 texts an interval is too wide to rank languages by; "
        f"languages with fewer than {_BY_LANGUAGE_LEAST} stand in the manifest alone. `calibration_p` below "
        "0.01 means that honest confidence would be a surprise there."
    )
    parts = [introduction]
    found = [m for m in manifest.measurements if m.language != "all" and m.n >= _BY_LANGUAGE_LEAST]
    for rows, head in dict.fromkeys((m.rows, m.head) for m in found):
        here = [m for m in found if (m.rows, m.head) == (rows, head)]
        metrics = tuple(dict.fromkeys(m.metric for m in here))
        lines = []
        for language in dict.fromkeys(m.language for m in here):
            by_metric = {m.metric: m for m in here if m.language == language}
            cells = [_cell(by_metric[name]) for name in metrics]
            lines.append((language, str(by_metric[metrics[0]].n), *cells))
        parts.append(f"### {head} on {rows}\n\n{_table(('language', 'n', *metrics), lines)}")
    return "\n\n".join(parts)


def _cell(measurement: Measurement) -> str:
    interval = "" if measurement.low is None else f" {_interval(measurement)}"
    return f"{measurement.value:.2f}{interval}"


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
        "Rows used: `train` trains; `validation` never does, and serves to choose, to calibrate and to "
        "report; `benchmark` is only reported on.\n\n"
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


def _baseline(estimate: Estimate | None) -> str:
    return "-" if estimate is None else f"{estimate.value:.3f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
