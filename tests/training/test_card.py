import pytest

from models.artefact import CARD, read_manifest
from models.branch import BranchShape
from training.card import render_card
from training.reports import _BASELINE_ROWS


@pytest.fixture
def manifest(finished, experiment):
    return read_manifest(experiment.output)


def test_the_packaged_card_is_rendered_from_the_packaged_manifest(finished, experiment, manifest):
    assert (experiment.output / CARD).read_text() == render_card(manifest)


def section(card, title):
    """Lines below a title, up to the next one."""
    return card.split(f"{title}\n", 1)[1].split("\n#", 1)[0].splitlines()


def test_the_card_states_every_overall_figure_with_its_rows_and_interval(manifest):
    card = render_card(manifest)
    for m in manifest.measurements:
        if m.language != "all":
            continue
        interval = "-" if m.low is None else f"[{m.low:.2f}, {m.high:.2f}]"
        start = f"| {m.metric} | {m.n} | {m.value:.3f} | {interval}"
        lines = section(card, f"### {m.head} on {m.rows}")
        (line,) = [line for line in lines if line.startswith(start + " |")]
        told = [f"| {b.value:.3f} [{b.low:.2f}, {b.high:.2f}] |" for b in m.baselines.values()]
        assert [cell for cell in told if cell not in line] == []


def test_every_baseline_of_a_head_has_a_column(manifest):
    lines = section(render_card(manifest), "### urgency on gold")
    assert "| metric | n | value | 95 % interval | commonest label | frozen linear |" in lines


def test_the_card_states_the_figures_of_languages_with_enough_rows_alone(manifest):
    rare = manifest.measurements[-1].model_copy(update={"language": "xx", "n": 9})
    common = rare.model_copy(update={"language": "yy", "n": 10, "value": 0.25, "low": None, "high": None})
    card = render_card(manifest.model_copy(update={"measurements": (rare, common)}))
    assert "| xx |" not in card
    assert "| yy | 10 | 0.25 |" in card


def test_the_card_states_both_thresholds_and_the_operating_point(manifest):
    card = render_card(manifest)
    head = manifest.heads.urgency
    assert f"| {head.suggest_from:.2f} | {head.apply_from:.2f} |" in card
    assert f"Operating point for urgent texts: {manifest.urgent.value:.2f}" in card
    (line,) = [line for line in card.splitlines() if line.startswith("| signals | sigmoid |")]
    assert "| - | - |" in line


def test_the_card_says_what_the_heads_read(manifest):
    assert "on layers 0, 1, 2 of the encoder" in render_card(manifest)
    shape = BranchShape(from_layer=8, first_layer=9, layers=4, queries=2, hidden=384)
    branched = render_card(manifest.model_copy(update={"branch": shape}))
    assert "4 layers that began as copies of its layers 9 to 12, read what its layer 8 leaves" in branched
    assert "their mean and 2 learnt queries" in branched


def test_the_card_names_every_source_with_its_licence(manifest):
    card = render_card(manifest)
    for source in manifest.sources:
        assert f"| {source.name} | {source.licence} |" in card


def test_the_card_says_what_the_model_is_not_for(manifest):
    assert "It is not a safety system" in render_card(manifest)


@pytest.mark.parametrize(
    "sentence",
    [
        "What the heads got wrong on them told which texts to write next",
        "recipes were compared on them, so these figures are flattered.",
        "`texts`, `judged` and `non_feedback` are held-out rows of our own",
        "signals are cross-fitted there.",
        "A text that is taken for no feedback counts as abstained in every head.",
        f"trained on at most {_BASELINE_ROWS:,} of the rows that train",
    ],
)
def test_the_card_says_how_its_figures_came_about(manifest, sentence):
    (introduction,) = [
        line for line in section(render_card(manifest), "## Figures") if line.startswith("`gold` are")
    ]
    assert sentence in introduction


def test_a_figure_that_a_baseline_has_not_is_a_dash(manifest):
    lines = section(render_card(manifest), "### urgency on gold")
    (line,) = [line for line in lines if line.startswith("| urgent_flagged |")]
    assert line.endswith("| - | - |")


def test_a_bar_within_a_cell_does_not_break_the_table(manifest):
    changed = manifest.model_copy(update={"choices": {"a|b": "c"}})
    assert "| a\\|b | c |" in render_card(changed)
