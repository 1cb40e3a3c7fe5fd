"""Fixtures of all rooms: tiny real objects, made in code."""

import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from models.artefact import Artefact
from models.encoder.hashing import HashingEncoder
from models.heads import HeadKind, Heads, LinearHead
from models.labels import SENTIMENTS, SIGNALS, TOPICS, URGENCIES
from models.manifest import HeadManifest, HeadsManifest, LearntThreshold, Manifest, UrgentThreshold

# A slow machine is no reason to fail: tests hold no wall-clock limits.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

EXAMPLES = (
    # text, sentiment, urgency, topic
    ("the app crashes at checkout", "negative", "medium", "bug_crash"),
    ("error and crash again after the update", "negative", "medium", "bug_crash"),
    ("someone is stealing money from my account right now", "negative", "critical", "security_safety"),
    ("my card was stolen please block it", "negative", "critical", "security_safety"),
    ("I cannot log in and need the invoice today", "negative", "high", "account_access"),
    ("the password reset does not arrive", "negative", "high", "account_access"),
    ("charged twice for the same invoice", "negative", "medium", "billing_payment"),
    ("how do I change my address", "neutral", "medium", "information_question"),
    ("please add a dark mode", "neutral", "low", "feature_request"),
    ("the train was late", "negative", "medium", "delivery_punctuality"),
    ("lovely food and friendly people", "positive", "low", "product_quality"),
    ("thank you, great service", "positive", "low", "praise_general"),
    ("see you at the match tonight", "neutral", "low", "other"),
)
SIGNAL_EXAMPLES = (
    # text, what it says beside its labels
    ("we are leaving you and go to your competitor", "churn_risk"),
    ("this is urgent answer at once", "urgent"),
    ("by Friday noon at the latest", "deadline"),
    ("you will hear from our lawyer in court", "legal"),
    ("qwrt zxcv 0x7f npm ERR stack", "non_feedback"),
)
SUGGEST_FROM, APPLY_FROM = 0.4, 0.8


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the environment of whoever runs the tests out, `.env` files included."""
    for name in list(os.environ):
        if name.startswith("CLOSELOOP_") and name not in {"CLOSELOOP_DATA", "CLOSELOOP_MODEL_CACHE"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def hashing_encoder() -> HashingEncoder:
    return HashingEncoder()


@pytest.fixture(scope="session")
def tiny_artefact(hashing_encoder: HashingEncoder) -> Artefact:
    """Heads that know a dozen sentences: nearest class mean, on the weightless encoder."""

    def means(texts: list[str], truth: list[str], described: HeadManifest, bias: float) -> LinearHead:
        features = hashing_encoder.encode(texts).features
        weight = np.zeros((len(described.labels), features.shape[1]), dtype=np.float32)
        for place, label in enumerate(described.labels):
            rows = [i for i, told in enumerate(truth) if told == label]
            if rows:
                weight[place] = features[rows].mean(axis=0)
        return LinearHead(
            kind=described.kind,
            labels=described.labels,
            weight=6 * weight,
            bias=np.full(len(described.labels), bias, dtype=np.float32),
            suggest_from=described.suggest_from,
            apply_from=described.apply_from,
        )

    def described(kind: HeadKind, labels: tuple[str, ...]) -> HeadManifest:
        return HeadManifest(kind=kind, labels=labels, suggest_from=SUGGEST_FROM, apply_from=APPLY_FROM)

    told = HeadsManifest(
        sentiment=described("softmax", SENTIMENTS),
        urgency=described("softmax", URGENCIES),
        topics=described("sigmoid", TOPICS),
        signals=described("sigmoid", SIGNALS),
    )
    texts, *columns = ([row[column] for row in EXAMPLES] for column in range(4))
    heads = Heads(
        sentiment=means(texts, columns[0], told.sentiment, 0.0),
        urgency=means(texts, columns[1], told.urgency, 0.0),
        topics=means(texts, columns[2], told.topics, -2.0),
        # Far below what one shared word earns: only its own words make a signal.
        signals=means(*([row[i] for row in SIGNAL_EXAMPLES] for i in range(2)), told.signals, -9.0),
    )
    manifest = Manifest(
        name="tiny",
        revision="2026.1.1-test",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        encoder=hashing_encoder.name,
        feature_layers=(0, 1, 2),
        dimensions=hashing_encoder.dimensions,
        heads=told,
        urgent=UrgentThreshold(value=0.5, method="none"),
        relevance=LearntThreshold(value=0.3, method="none"),
        similar=LearntThreshold(value=0.5, method="none"),
        files={},
    )
    return Artefact(folder=Path("tiny"), manifest=manifest, heads=heads, branch=None)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the evaluation data; tests that need it are skipped where it is unset."""
    folder = os.environ.get("CLOSELOOP_DATA")
    if not folder:
        pytest.skip("CLOSELOOP_DATA is unset: no evaluation data")
    return Path(folder)
