"""What the documents say of files, settings and metrics is so."""

import json
import re
from pathlib import Path

import pytest

from service.app import create_app, openapi_of
from service.cli.settings import ClientSettings
from service.metrics import Metrics
from service.settings import Settings

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "training").glob("*.md")],
    key=str,
)
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
NAMED_PATH = re.compile(r"`((?:service|models|training|tests|docs)/[\w./-]*|[\w.-]+\.(?:toml|yaml|txt))`")
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_a_document_names_or_links_to_exist(document):
    text = document.read_text(encoding="utf-8")
    missing = [name for name in NAMED_PATH.findall(text) if not (ROOT / name).exists()]
    missing += [target for target in LINK.findall(text) if not (document.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_comes_first_and_names_what_holds_it(decision):
    heading, first, *_rest = decision.read_text(encoding="utf-8").split("\n\n")
    assert heading.startswith(f"# {decision.name[:4]} ")
    assert first.startswith("**Decision.** ")
    holders = decision.read_text(encoding="utf-8").partition("## Held by\n")[2]
    assert NAMED_PATH.search(holders)


def test_decisions_are_numbered_without_gaps():
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def table_rows(text: str, cell: str) -> dict[str, list[str]]:
    """Return the rows of tables whose first cell matches, by that cell."""
    rows = re.findall(rf"^\| `({cell})` \| (.*) \|$", text, re.MULTILINE)
    return {name: [part.strip() for part in rest.split(" | ")] for name, rest in rows}


@pytest.fixture(scope="module")
def operations() -> str:
    return (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").replace("| | ", "|  | ")


def test_operations_lists_every_setting_with_its_default_and_meaning(operations):
    rows = table_rows(operations, r"CLOSELOOP_[A-Z_]+")
    fields = Settings.model_fields | ClientSettings.model_fields
    assert rows.keys() == {f"CLOSELOOP_{name.upper()}" for name in fields}
    for name, field in fields.items():
        default, meaning = rows[f"CLOSELOOP_{name.upper()}"]
        if field.default_factory is None:
            assert default == ("" if field.default is None else f"`{field.default}`"), name
        if field.description:
            assert meaning == field.description, name


def test_operations_lists_every_metric_under_the_name_that_is_scraped(operations):
    families = Metrics().registry.collect()
    scraped = {
        family.name + ("_total" if family.type == "counter" else "") for family in families if family.name
    }
    assert table_rows(operations, r"closeloop_\w+").keys() == scraped


def test_the_published_contract_is_the_application_s_own():
    published = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    assert published == json.loads(json.dumps(openapi_of(create_app(Settings())))), "run `make openapi`"
