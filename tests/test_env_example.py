"""`.env.example` shows every setting that there is, with its default."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from service.cli.settings import ClientSettings
from service.settings import Settings

ROOT = Path(__file__).parents[1]
SHOWN = dict(re.findall(r"^# ([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
COMPOSE_ONLY = {"POSTGRES_PASSWORD"}
FIELDS = {
    f"CLOSELOOP_{name.upper()}": field
    for form in (Settings, ClientSettings)
    for name, field in form.model_fields.items()
}


def test_example_names_exactly_the_settings():
    assert SHOWN.keys() - COMPOSE_ONLY == FIELDS.keys()


@pytest.mark.parametrize("name", [name for name, field in FIELDS.items() if field.default_factory is None])
def test_example_shows_the_default_where_there_is_one(name):
    default = FIELDS[name].default
    if default is not None:
        assert SHOWN[name] == str(default)


def test_example_copied_and_uncommented_is_read_as_it_stands(tmp_path, monkeypatch):
    lines = [f"{name}={value}" for name, value in SHOWN.items() if value]
    (tmp_path / ".env").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)
    assert Settings().auth == "on"
    assert ClientSettings().url == SHOWN["CLOSELOOP_URL"]


def test_example_holds_no_secret():
    secrets = [name for name, field in FIELDS.items() if holds_secret(field.annotation)]
    assert {"CLOSELOOP_QDRANT_API_KEY", "CLOSELOOP_KEY"} <= set(secrets)
    for name in [*secrets, *COMPOSE_ONLY]:
        assert SHOWN[name] == "" or "password@localhost" in SHOWN[name]


def holds_secret(annotation: type[BaseModel] | None) -> bool:
    return SecretStr.__name__ in str(annotation)
