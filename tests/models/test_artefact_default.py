"""The model that ships."""

from pathlib import Path

import pytest

from models.artefact import CARD, load_artefact, read_manifest
from models.encoder.load import load_encoder
from models.predictions import LanguageGuess
from models.scorer import Scorer
from models.weights import BUNDLED, default_cache
from training.card import render_card

FOLDER = Path(__file__).parents[2] / "models" / "default"


@pytest.fixture(scope="module")
def manifest():
    return read_manifest(FOLDER)


class NoLanguages:
    def identify(self, texts):
        return [LanguageGuess(code="und", confidence=0.0) for _ in texts]


def test_the_folder_is_whole(manifest):
    assert load_artefact(FOLDER, encoder_name=manifest.encoder).manifest == manifest


def test_only_permissive_sources_trained_it(manifest):
    trained = [
        source
        for source in manifest.sources
        if any(purpose.endswith(("/extra", "/folds")) for purpose in source.used)
    ]
    assert {source.name for source in trained} >= {"texts", "gold/dev"}
    assert [source.name for source in trained if not source.permissive] == []


def test_the_card_is_rendered_from_the_manifest(manifest):
    assert (FOLDER / CARD).read_text(encoding="utf-8") == render_card(manifest)


def test_figures_are_stated_for_every_head_with_sizes_and_intervals(manifest):
    overall = [m for m in manifest.measurements if m.language == "all"]
    assert {m.head for m in overall} == {"sentiment", "urgency", "topics"}
    assert all(m.n > 0 and m.low is not None and m.high is not None for m in manifest.measurements)


def test_it_beats_the_commonest_label_by_more_than_chance(manifest):
    for measurement in manifest.measurements:
        if measurement.language == "all" and measurement.metric in {"macro_f1", "quadratic_kappa"}:
            assert measurement.low > measurement.majority


@pytest.fixture(scope="module")
def scorer():
    encoder = load_encoder(BUNDLED, default_cache(), report=lambda _: None)
    artefact = load_artefact(FOLDER, encoder_name=encoder.name)
    return Scorer(encoder, artefact, NoLanguages())


# The first heads say low 0.35, high 0.35, critical 0.22; strict, so that better ones take the mark off.
MISSED = pytest.mark.xfail(strict=True, reason="these heads call this fraud low")


@pytest.mark.weights
@pytest.mark.parametrize(
    ("text", "sentiment", "urgency"),
    [
        (
            "Somebody is emptying my bank account right now, please block everything!",
            "negative",
            "critical",
        ),
        pytest.param(
            "Joku tyhjentää tiliäni juuri nyt, sulkekaa kortti heti!", "negative", "critical", marks=MISSED
        ),
        ("Vielen Dank, das Team war super freundlich.", "positive", "low"),
        ("Le serveur était adorable et le repas délicieux", "positive", "low"),
    ],
)
def test_it_reads_plain_feedback_in_several_languages_as_a_person_would(scorer, text, sentiment, urgency):
    predictions = scorer.score([text], [None])[0].predictions
    assert predictions.sentiment.label == sentiment
    assert predictions.urgency.label == urgency
