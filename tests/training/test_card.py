import re

import pytest

from models.artefact import CARD, read_manifest
from training.card import render_card


@pytest.fixture
def manifest(finished, experiment):
    return read_manifest(experiment.output)


def test_the_packaged_card_is_rendered_from_the_packaged_manifest(finished, experiment, manifest):
    assert (experiment.output / CARD).read_text() == render_card(manifest)


def test_the_card_states_every_overall_figure_with_its_rows(manifest):
    card = render_card(manifest)
    for measurement in manifest.measurements:
        if measurement.language == "all":
            line = rf"\| {measurement.metric} \| {measurement.n} \| {measurement.value:.3f} \|"
            assert re.search(line, card)


def test_the_card_names_every_source_with_its_licence(manifest):
    card = render_card(manifest)
    for source in manifest.sources:
        assert f"| {source.name} | {source.licence} |" in card


def test_the_card_says_what_the_model_is_not_for(manifest):
    assert "It is not a safety system" in render_card(manifest)


def test_a_bar_within_a_cell_does_not_break_the_table(manifest):
    changed = manifest.model_copy(update={"choices": {"a|b": "c"}})
    assert "| a\\|b | c |" in render_card(changed)
