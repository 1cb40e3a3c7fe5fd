"""What can be set, and what a wrong value is answered with."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from service.settings import Settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTH", "maybe"),
        ("RUNTIME", "gpu"),
        ("LOG_FORMAT", "xml"),
        ("DEADLINE_MS", "0"),
        ("DEADLINE_MS", "600001"),
        ("DEADLINE_MS", "soon"),
        ("TEXTS_PER_MINUTE", "0"),
        ("TEXTS_PER_MINUTE", "-1"),
        ("INFERENCE_THREADS", "0"),
    ],
)
def test_a_wrong_value_is_refused_by_name(monkeypatch, name, value):
    monkeypatch.setenv(f"CLOSELOOP_{name}", value)

    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_without_anything_set_keys_are_asked_for_and_data_lies_beside():
    settings = Settings()

    assert settings.auth == "on"
    assert settings.sqlalchemy_url() == "sqlite+pysqlite:///var/closeloop.db"
    assert settings.vectors_dir == Path("var/vectors")
    assert settings.texts_per_minute is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgresql://u:p@db/closeloop", "postgresql+psycopg://u:p@db/closeloop"),
        (
            "postgres://u:p@db/closeloop?sslmode=require",
            "postgresql+psycopg://u:p@db/closeloop?sslmode=require",
        ),
        ("postgresql+psycopg://u@db/x", "postgresql+psycopg://u@db/x"),
        ("sqlite:////data/x.db", "sqlite:////data/x.db"),
    ],
)
def test_any_usual_form_of_an_address_names_the_driver_in_use(monkeypatch, given, expected):
    monkeypatch.setenv("CLOSELOOP_DATABASE_URL", given)

    assert Settings().sqlalchemy_url() == expected


def test_an_empty_variable_is_an_unset_one(monkeypatch):
    monkeypatch.setenv("CLOSELOOP_QDRANT_URL", "")
    monkeypatch.setenv("CLOSELOOP_TEXTS_PER_MINUTE", "")

    assert Settings().qdrant_url is None
    assert Settings().texts_per_minute is None


def test_a_file_sets_what_the_environment_does_not(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("CLOSELOOP_DEADLINE_MS=500\nCLOSELOOP_AUTH=off\nOTHER=1\n")
    monkeypatch.setenv("CLOSELOOP_AUTH", "on")

    assert (Settings().deadline_ms, Settings().auth) == (500, "on")


def test_secrets_are_not_shown(monkeypatch):
    monkeypatch.setenv("CLOSELOOP_DATABASE_URL", "postgresql://u:hunter2@db/x")
    monkeypatch.setenv("CLOSELOOP_QDRANT_API_KEY", "hunter2")

    assert "hunter2" not in repr(Settings())
    assert "hunter2" not in Settings().model_dump_json()


def test_settings_do_not_change():
    with pytest.raises(ValidationError, match="frozen"):
        Settings().auth = "off"
