"""GET /v1/complaints and its refits: filters, order, pages, languages, contract."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from service.complaints.reading import title_of
from service.dependencies import accepted
from service.store.records import Complaint, ComplaintAlert, Feedback

NOW = datetime.now(UTC).replace(microsecond=0)


def cid(number):
    return f"{number:020x}"


@pytest.fixture
def several(caller):
    """Seven complaints, one of them merged away, one dissolved; a text in each of the others."""
    languages = ["de", "en", "fi"]
    stored = caller.store(*[f"text {number} the app crashes" for number in range(5)])
    with caller.state.database.write() as session:
        for number in range(7):
            session.add(
                Complaint(
                    tenant_id=caller.tenant_id,
                    id=cid(number),
                    size=number % 3 + 1,
                    first_seen=NOW - timedelta(days=20),
                    last_seen=NOW - timedelta(days=number),
                    growth=None if number == 4 else float(number % 2),
                    rising=number == 2,
                    severity="high",
                    severity_value=number / 10,
                    status="dormant" if number == 3 else "open",
                    titles={"de": f"Absturz {number}", "en": f"Crash {number}"},
                    title_languages=["de", "en"],
                    keywords={"de": ["absturz"]},
                    languages={"de": 2, "en": 1},
                    merged_into=cid(0) if number == 5 else None,
                    dissolved_at=NOW if number == 6 else None,
                )
            )
        session.flush()
        for number, row in enumerate(stored):
            text = session.get_one(Feedback, UUID(row["id"]))
            text.complaint_id, text.language = cid(number), languages[number % 3]
        session.add(
            ComplaintAlert(
                tenant_id=caller.tenant_id,
                complaint_id=cid(2),
                since=NOW.date(),
                seen=NOW.date(),
                times=1,
                observed=9,
                expected=1.5,
                p_value=1e-6,
                severity="high",
            )
        )
    return caller


def ids(caller, **params):
    return [int(row["id"], 16) for row in caller.get("/v1/complaints", **params).json()["items"]]


@pytest.mark.parametrize(
    "params",
    [
        {"sort": "name"},
        {"status": "merged"},
        {"alert": "perhaps"},
        {"limit": 0},
        {"limit": 201},
        {"cursor": "x"},
    ],
)
def test_a_parameter_that_does_not_fit_is_refused(caller, refusal, params):
    refusal(caller.get("/v1/complaints", **params), 422)


@pytest.mark.parametrize("name", ["x", "REFITS", "a" * 65, "..", str(uuid4())])
def test_an_id_of_another_form_is_nobodys(caller, refusal, name):
    refusal(caller.get(f"/v1/complaints/{name}"), 404)


def test_an_unknown_complaint_or_refit_is_not_found(caller, refusal):
    refusal(caller.get(f"/v1/complaints/{cid(99)}"), 404)
    refusal(caller.get(f"/v1/complaints/refits/{uuid4()}"), 404)


def test_a_cursor_of_another_order_is_refused(several, refusal):
    cursor = several.get("/v1/complaints", limit=1, sort="size").json()["next_cursor"]
    refusal(several.get("/v1/complaints", sort="last_seen", cursor=cursor), 422)


def test_the_orders_and_what_is_never_listed(several):
    assert ids(several) == [2, 1, 4, 0, 3]
    assert ids(several, sort="last_seen") == [0, 1, 2, 3, 4]
    assert ids(several, sort="severity") == [4, 3, 2, 1, 0]
    assert ids(several, sort="growth") == [1, 3, 0, 2]  # 4 has too little past to be told


@pytest.mark.parametrize("sort", ["size", "last_seen", "severity", "growth"])
@pytest.mark.parametrize("limit", [1, 2])
def test_pages_show_each_complaint_once_in_the_order_of_one_page(several, sort, limit):
    walked, given = [], {}
    while True:
        page = several.get("/v1/complaints", sort=sort, limit=limit, **given).json()
        walked += [int(row["id"], 16) for row in page["items"]]
        if page["next_cursor"] is None:
            break
        given = {"cursor": page["next_cursor"]}
    assert walked == ids(several, sort=sort)


def test_filters(several):
    assert ids(several, status="dormant") == [3]
    assert set(ids(several, status=["open", "dormant"])) == {0, 1, 2, 3, 4}
    assert ids(several, alert=True) == [2]
    assert set(ids(several, alert=False)) == {0, 1, 3, 4}
    assert set(ids(several, language="fi")) == {2}
    assert set(ids(several, language=["fi", "en"])) == {1, 2, 4}
    assert ids(several, language="zh") == []


def test_a_title_is_in_the_readers_language_where_there_is_one(several):
    path = f"/v1/complaints/{cid(1)}"
    for given, expected in (
        ({}, "Absturz 1"),
        ({"headers": {"Accept-Language": "en-GB, de;q=0.5"}}, "Crash 1"),
        ({"headers": {"Accept-Language": "zh, en;q=0"}}, "Absturz 1"),
        ({"headers": {"Accept-Language": ";;;,=q*\x7f"}}, "Absturz 1"),
        ({"headers": {"Accept-Language": "de"}, "params": {"language": "en"}}, "Crash 1"),
    ):
        assert several("GET", path, **given).json()["title"] == expected
    listed = several("GET", "/v1/complaints", headers={"Accept-Language": "en"}).json()["items"]
    assert {row["title_language"] for row in listed} == {"en"}


def test_peoples_own_title_wins_in_every_language():
    named = Complaint(id=cid(1), title="Ours", titles={"en": "Theirs"}, title_languages=["en"])
    assert title_of(named, ["en"]) == ("Ours", None)
    assert title_of(Complaint(id=cid(1), titles={}, title_languages=[]), ["en"]) == (
        "Complaint 00000000",
        None,
    )


@pytest.mark.parametrize(
    ("header", "languages"),
    [("", []), ("*", []), ("de-AT,fi;q=0.9,en;q=1.0", ["de", "en", "fi"]), ("x" * 9_999, []), ("en;q=5", [])],
)
def test_an_accept_language_header_is_read_as_far_as_it_makes_sense(header, languages):
    assert accepted(header) == languages


def test_a_complaint_has_every_field_of_the_contract(several):
    told = several.get(f"/v1/complaints/{cid(2)}").json()

    assert {
        "id", "title", "keywords", "size", "customers", "revenue_affected", "languages", "first_seen",
        "last_seen", "trend", "status", "representative", "lineage",
    } <= told.keys()  # fmt: skip
    assert told["trend"]["alert"] == told["alert"]
    assert told["alert"] == {
        "since": NOW.date().isoformat(),
        "severity": "high",
        "expected": 1.5,
        "observed": 9,
        "p_value": 1e-6,
        "times": 1,
    }
    assert len(told["trend"]["per_day"]) == 90
    assert told["trend"]["per_day"][-1] == {"date": datetime.now(UTC).date().isoformat(), "count": 1}


def test_a_refit_is_asked_for_once_and_listed(caller):
    first = caller.post("/v1/complaints/refit", None)
    assert first.status_code == 202
    told = first.json()
    assert (told["state"], told["reason"], told["attempts"]) == ("queued", "demand", 0)
    assert caller.post("/v1/complaints/refit", None).json()["id"] == told["id"]
    assert caller.get("/v1/complaints/refits").json() == {"items": [told], "next_cursor": None}
    assert caller.get(f"/v1/complaints/refits/{told['id']}").json() == told
