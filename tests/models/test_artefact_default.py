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
        source for source in manifest.sources if any(purpose.endswith("/train") for purpose in source.used)
    ]
    assert {source.name for source in trained} >= {"texts", "gold/dev"}
    assert [source.name for source in trained if not source.permissive] == []


def test_the_card_is_rendered_from_the_manifest(manifest):
    assert (FOLDER / CARD).read_text(encoding="utf-8") == render_card(manifest)


def test_figures_are_stated_for_every_head_with_sizes_and_intervals(manifest):
    overall = [m for m in manifest.measurements if m.language == "all"]
    assert {m.head for m in overall} == {"sentiment", "urgency", "topics", "signals"}
    # A p-value is no estimate: it has no interval.
    estimates = [m for m in manifest.measurements if not m.metric.endswith("_p")]
    assert all(m.n > 0 and m.low is not None and m.high is not None for m in estimates)


def test_it_fits_the_size_that_was_promised():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 25_000_000


def test_it_beats_the_commonest_label_by_more_than_chance(manifest):
    for measurement in manifest.measurements:
        if measurement.language == "all" and measurement.metric in {"macro_f1", "quadratic_kappa"}:
            assert measurement.low > measurement.baselines["commonest label"].value


def test_it_beats_the_frozen_linear_head_on_real_rows(manifest):
    for measurement in manifest.measurements:
        if measurement.language == "all" and measurement.rows in {"gold", "umsab/test"}:
            baseline = measurement.baselines.get("frozen linear")
            assert baseline is None or measurement.value > baseline.value, measurement


@pytest.fixture(scope="module")
def scorer():
    encoder = load_encoder(BUNDLED, default_cache(), report=lambda _: None)
    artefact = load_artefact(FOLDER, encoder_name=encoder.name)
    return Scorer(encoder, artefact, NoLanguages())


@pytest.mark.weights
@pytest.mark.parametrize(
    ("text", "sentiment", "urgency"),
    [
        (
            "Somebody is emptying my bank account right now, please block everything!",
            "negative",
            "critical",
        ),
        ("Joku tyhjentää tiliäni juuri nyt, sulkekaa kortti heti!", "negative", "critical"),
        ("Quelqu'un utilise ma carte en ce moment même", "negative", "critical"),
        ("Vielen Dank, das Team war super freundlich.", "positive", "low"),
        ("Le serveur était adorable et le repas délicieux", "positive", "low"),
    ],
)
def test_it_reads_plain_feedback_in_several_languages_as_a_person_would(scorer, text, sentiment, urgency):
    predictions = scorer.score([text], [None])[0].predictions
    assert predictions.sentiment.label == sentiment
    assert predictions.urgency.label == urgency


@pytest.mark.weights
@pytest.mark.parametrize(
    "text", ["asdkjh qwoeiu zxmcnb", "for i in range(10): print(i ** 2)", "%%%% ---- ####"]
)
def test_what_is_no_feedback_abstains_in_every_head(scorer, text):
    predictions = scorer.score([text], [None])[0].predictions
    assert "non_feedback" in predictions.signals.present
    assert {predictions.sentiment.decision, predictions.urgency.decision, predictions.topics.decision} == {
        "abstain"
    }


@pytest.mark.weights
def test_what_a_writer_says_is_told_apart_from_how_urgent_it_is(scorer):
    texts = [
        "URGENT!!! Please add a dark mode as soon as possible",
        "Ich kündige meinen Vertrag und wechsle zur Konkurrenz.",
        "Wenn das Geld nicht kommt, gehe ich zum Anwalt.",
    ]
    urgent, leaving, legal = (row.predictions for row in scorer.score(texts, [None] * 3))
    assert "urgent" in urgent.signals.present
    assert urgent.urgency.label in {"low", "medium"}
    assert "churn_risk" in leaving.signals.present
    assert "legal" in legal.signals.present


# The shipped heads give it 0.14 where 0.30 is needed; strict, so that better ones take the mark off.
@pytest.mark.weights
@pytest.mark.xfail(strict=True, reason="these heads miss this lawyer")
def test_a_lawyer_is_noticed_in_finnish_too(scorer):
    predictions = scorer.score(["Jos rahoja ei palauteta, otan yhteyttä asianajajaan."], [None])[
        0
    ].predictions
    assert "legal" in predictions.signals.present
