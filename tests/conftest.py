"""Fixtures of all rooms: tiny real objects, made in code."""

import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from models.artefact import Artefact
from models.encoder.hashing import HashingEncoder
from models.heads import Heads, LinearHead
from models.labels import SENTIMENTS, TOPICS, URGENCIES
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
    features = hashing_encoder.encode([row[0] for row in EXAMPLES]).features

    def means(column: int, labels: tuple[str, ...]) -> LinearHead:
        weight = np.zeros((len(labels), features.shape[1]), dtype=np.float32)
        for place, label in enumerate(labels):
            rows = [i for i, row in enumerate(EXAMPLES) if row[column] == label]
            if rows:
                weight[place] = features[rows].mean(axis=0)
        kind = "sigmoid" if labels == TOPICS else "softmax"
        bias = np.full(len(labels), -2.0 if kind == "sigmoid" else 0.0, dtype=np.float32)
        return LinearHead(kind=kind, labels=labels, weight=6 * weight, bias=bias, abstain_below=0.4)

    heads = Heads(sentiment=means(1, SENTIMENTS), urgency=means(2, URGENCIES), topics=means(3, TOPICS))
    manifest = Manifest(
        name="tiny",
        revision="2026.1.1-test",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        encoder=hashing_encoder.name,
        feature_layers=(0, 1, 2),
        dimensions=hashing_encoder.dimensions,
        heads=HeadsManifest(
            sentiment=HeadManifest(kind="softmax", labels=SENTIMENTS),
            urgency=HeadManifest(kind="softmax", labels=URGENCIES),
            topics=HeadManifest(kind="sigmoid", labels=TOPICS),
        ),
        urgent=UrgentThreshold(value=0.5, method="none"),
        relevance=LearntThreshold(value=0.3, method="none"),
        similar=LearntThreshold(value=0.5, method="none"),
        files={},
    )
    return Artefact(folder=Path("tiny"), manifest=manifest, heads=heads)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the evaluation data; tests that need it are skipped where it is unset."""
    folder = os.environ.get("CLOSELOOP_DATA")
    if not folder:
        pytest.skip("CLOSELOOP_DATA is unset: no evaluation data")
    return Path(folder)
