"""What every `VectorIndex` keeps, whatever engine is behind it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest

from models.arrays import Floats1d
from service.store.errors import IndexUnavailableError
from service.store.vectors import FACETS, EdgeIndex, Point, VectorFilter

pytestmark = pytest.mark.anyio

DIMENSIONS = 8
TENANT = UUID(int=1)
OTHER_TENANT = UUID(int=2)
START = datetime(2026, 1, 1, tzinfo=UTC)
EVERYTHING = VectorFilter(tenant=TENANT)


def vector(seed: int) -> Floats1d:
    values = np.random.default_rng(seed).normal(size=DIMENSIONS)
    return (values / np.linalg.norm(values)).astype(np.float32)


def point(seed: int, *, tenant: UUID = TENANT, **payload: Any) -> Point:
    return Point(id=UUID(int=seed + 1000), vector=vector(seed), payload={"tenant": str(tenant), **payload})


async def found(index, where: VectorFilter = EVERYTHING, *, limit: int = 100) -> set[UUID]:
    return {hit.id for hit in await index.query(vector(0), where, limit=limit)}


# What is refused


@pytest.mark.parametrize(
    "bad",
    [
        np.full(DIMENSIONS, np.nan, dtype=np.float32),
        np.array([1, np.inf, *[0] * (DIMENSIONS - 2)], dtype=np.float32),
        np.zeros(DIMENSIONS, dtype=np.float32),
        np.ones(DIMENSIONS - 1, dtype=np.float32),
        np.ones(DIMENSIONS + 1, dtype=np.float32),
        np.ones((1, DIMENSIONS), dtype=np.float32),
    ],
    ids=["nan", "infinite", "zeros", "short", "long", "matrix"],
)
async def test_one_bad_vector_refuses_its_batch_and_nothing_is_written(vector_index, bad):
    with pytest.raises(ValueError, match="expected a vector"):
        await vector_index.upsert([point(1), replace(point(2), vector=bad), point(3)])
    assert await vector_index.count() == 0
    with pytest.raises(ValueError, match="expected a vector"):
        await vector_index.query(bad, EVERYTHING, limit=1)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({}, "tenant"),
        ({"tenant": "not a uuid"}, "UUID"),
        ({"tenant": str(TENANT), "revenue_min": 5}, "revenue_min"),
        ({"tenant": str(TENANT), "language": None}, "language"),
        ({"tenant": str(TENANT), "topic": "bug_crash"}, "topic"),
        ({"tenant": str(TENANT), "occurred_at": "2026-01-01"}, "occurred_at"),
        ({"tenant": str(TENANT), "revenue": float("nan")}, "revenue"),
        ({"tenant": str(TENANT), "metadata": {"plan": None}}, "metadata"),
        ({"tenant": str(TENANT), "metadata": {"plan": float("inf")}}, "metadata"),
        ({"tenant": str(TENANT), "account": "\ud800"}, "surrogates"),
    ],
)
async def test_a_payload_no_filter_could_match_is_refused_and_nothing_written(vector_index, payload, message):
    with pytest.raises(ValueError, match=message):
        await vector_index.upsert([point(1), replace(point(2), payload=payload)])
    assert await vector_index.count() == 0


async def test_a_filter_that_cannot_be_right_is_refused(vector_index):
    naive = VectorFilter(tenant=TENANT, occurred_from=datetime(2026, 1, 1))  # noqa: DTZ001
    for where in (naive, VectorFilter(tenant=TENANT, revenue_min=float("nan"))):
        with pytest.raises(ValueError, match="expected"):
            await vector_index.query(vector(0), where, limit=1)
    for numbers in ({"limit": 0}, {"limit": 1, "offset": -1}, {"limit": 1, "score_threshold": float("nan")}):
        with pytest.raises(ValueError, match="expected"):
            await vector_index.query(vector(0), EVERYTHING, **numbers)


async def test_a_closed_index_says_that_it_cannot_answer(vector_index):
    await vector_index.ping()
    await vector_index.close()
    await vector_index.close()
    with pytest.raises(IndexUnavailableError):
        await vector_index.ping()


# Writing


async def test_a_point_written_twice_is_one_point_with_the_last_vector_and_payload(vector_index):
    await vector_index.upsert([point(1, language="de")])
    await vector_index.upsert([replace(point(1, language="fi"), vector=vector(7))])
    assert await vector_index.count() == 1
    [hit] = await vector_index.query(vector(7), EVERYTHING, limit=5)
    assert hit.score == pytest.approx(1)
    assert hit.payload == {"language": "fi"}
    assert await found(vector_index, VectorFilter(tenant=TENANT, language=("de",))) == set()


async def test_of_an_id_given_twice_in_a_batch_the_last_counts(vector_index):
    await vector_index.upsert([point(1, language="de"), point(1, language="fi")])
    assert await vector_index.count() == 1
    assert await found(vector_index, VectorFilter(tenant=TENANT, language=("fi",))) == {point(1).id}


async def test_deleting_unknown_points_passes_and_known_ones_are_gone(vector_index):
    await vector_index.upsert([point(1), point(2)])
    await vector_index.delete([uuid4()])
    await vector_index.delete([point(1).id, uuid4()])
    await vector_index.delete([])
    await vector_index.upsert([])
    assert await found(vector_index) == {point(2).id}
    assert await vector_index.count() == 1


async def test_an_index_opened_again_holds_everything(vector_backend):
    first = vector_backend.open()
    await first.upsert([point(seed, language="de") for seed in range(300)])
    await first.delete([point(0).id])
    await first.close()
    second = vector_backend.open()
    assert await second.count() == 299
    assert len(await found(second, VectorFilter(tenant=TENANT, language=("de",)), limit=300)) == 299


async def test_a_vector_that_is_not_of_unit_length_is_found_by_its_direction(vector_index):
    await vector_index.upsert([replace(point(1), vector=vector(1) * np.float32(1e30)), point(2)])
    [best, _] = await vector_index.query(vector(1) * np.float32(1e-30), EVERYTHING, limit=2)
    assert best.id == point(1).id
    assert best.score == pytest.approx(1)


# Finding


async def test_nearest_points_come_best_first_with_their_cosine_and_their_facets(vector_index):
    payload = {
        "language": "de",
        "sentiment": "negative",
        "topic": ["bug_crash", "other"],
        "urgency": "high",
        "account_type": "enterprise",
    }
    more = {"channel": "email", "status": "open", "metadata": {"plan": "pro"}, "revenue": 5.0}
    points = [point(seed, **payload, **more) for seed in range(40)]
    await vector_index.upsert(points)
    hits = await vector_index.query(vector(50), EVERYTHING, limit=7)
    cosines = {p.id: float(p.vector @ vector(50)) for p in points}
    assert [hit.id for hit in hits] == sorted(cosines, key=lambda id_: -cosines[id_])[:7]
    assert [hit.score for hit in hits] == pytest.approx([cosines[hit.id] for hit in hits], abs=1e-6)
    assert all(hit.payload == payload for hit in hits)
    assert set(payload) == set(FACETS)


async def test_no_point_of_another_tenant_is_found_however_similar(vector_index):
    twin = replace(point(0, tenant=OTHER_TENANT, language="de"), id=uuid4())
    await vector_index.upsert([point(0, language="de"), twin, point(5, tenant=OTHER_TENANT)])
    assert await found(vector_index) == {point(0).id}
    for where in (
        VectorFilter(tenant=TENANT, language=("de",)),
        VectorFilter(tenant=TENANT, exclude=(uuid4(),)),
    ):
        assert await found(vector_index, where) == {point(0).id}
    assert await found(vector_index, VectorFilter(tenant=uuid4())) == set()


CHOICES = (
    "language",
    "sentiment",
    "urgency",
    "kind",
    "account_type",
    "account",
    "channel",
    "status",
)


def matches(payload: Mapping[str, Any], id_: UUID, where: VectorFilter) -> bool:
    """Decide in plain Python what the engines must decide."""
    wanted = {name: getattr(where, name) for name in CHOICES if getattr(where, name)}
    moment = payload.get("occurred_at", np.nan)
    return all(
        [
            payload["tenant"] == str(where.tenant),
            id_ not in where.exclude,
            all(payload.get(name) in values for name, values in wanted.items()),
            not where.topic or set(where.topic) & set(payload.get("topic", [])),
            where.complaint_id in (None, payload.get("complaint_id")),
            (where.metadata or {}).items() <= payload.get("metadata", {}).items(),
            where.revenue_min is None or payload.get("revenue", np.nan) >= where.revenue_min,
            where.occurred_from is None or moment >= where.occurred_from.timestamp(),
            where.occurred_to is None or moment < where.occurred_to.timestamp(),
            where.received_until is None
            or payload.get("received_at", np.nan) < where.received_until.timestamp(),
        ]
    )


def varied_points(count: int) -> list[Point]:
    rng = np.random.default_rng(0)
    choices: dict[str, list[Any]] = {
        "language": ["de", "fi", "ja"],
        "sentiment": ["negative", "neutral", "positive"],
        "topic": [["bug_crash"], ["bug_crash", "other"], ["other"], []],
        "urgency": ["low", "high", "critical"],
        "kind": ["complaint", "praise"],
        "account_type": ["enterprise", "free"],
        "account": ["Ä & Söhne", "acme", "株式会社"],
        "channel": ["api", "email"],
        "status": ["open", "closed"],
        "complaint_id": ["c1", "c2"],
        "revenue": [0, 9999.5, 10000, 1_000_000],
        "occurred_at": [(START + timedelta(days=days)).timestamp() for days in range(4)],
        "received_at": [(START + timedelta(hours=hours)).timestamp() for hours in range(4)],
        "metadata": [{"plan": "pro"}, {"plan": "pro", "seats": 5}, {"plan": "free", "seats": 5.0}, {}],
    }
    points = []
    for seed in range(count):
        tenant = TENANT if rng.random() < 0.8 else OTHER_TENANT
        # A field is often missing: what is not known is left out.
        known = {field: values[rng.integers(len(values))] for field, values in choices.items()}
        payload = {field: value for field, value in known.items() if rng.random() < 0.85}
        points.append(point(seed, tenant=tenant, **payload))
    return points


FILTERS: dict[str, dict[str, Any]] = {
    "language": {"language": ("de", "fi")},
    "sentiment": {"sentiment": ("negative",)},
    "topic": {"topic": ("bug_crash", "never seen")},
    "urgency": {"urgency": ("high", "critical")},
    "kind": {"kind": ("praise",)},
    "account_type": {"account_type": ("enterprise",)},
    "account": {"account": ("Ä & Söhne", "株式会社")},
    "channel": {"channel": ("email",)},
    "status": {"status": ("open",)},
    "complaint": {"complaint_id": "c1"},
    "revenue": {"revenue_min": 10000},
    "from": {"occurred_from": START + timedelta(days=1)},
    "to": {"occurred_to": START + timedelta(days=2)},
    "between": {"occurred_from": START + timedelta(days=1), "occurred_to": START + timedelta(days=2)},
    "received": {"received_until": START + timedelta(hours=2)},
    "text metadata": {"metadata": {"plan": "pro"}},
    "number metadata": {"metadata": {"seats": 5}},
    "two metadata": {"metadata": {"seats": 5.0, "plan": "pro"}},
    "exclude": {"exclude": (UUID(int=1000), UUID(int=1001), UUID(int=7))},
    "several": {"language": ("de",), "status": ("open",), "kind": ("complaint",)},
    "all": {
        "language": ("de", "fi", "ja"),
        "sentiment": ("negative", "neutral"),
        "topic": ("bug_crash", "other"),
        "urgency": ("low", "high", "critical"),
        "kind": ("complaint", "praise"),
        "account_type": ("enterprise", "free"),
        "account": ("acme", "Ä & Söhne"),
        "channel": ("api", "email"),
        "status": ("open", "closed"),
        "complaint_id": "c1",
        "revenue_min": 1,
        "occurred_from": START,
        "occurred_to": START + timedelta(days=3, microseconds=1),
        "received_until": START + timedelta(hours=4),
        "metadata": {"plan": "pro"},
        "exclude": (UUID(int=1000),),
    },
}


async def test_each_filter_alone_and_all_together_find_what_they_say(vector_index):
    points = varied_points(600)
    await vector_index.upsert(points)
    for name, wanted in FILTERS.items():
        where = VectorFilter(tenant=TENANT, **wanted)
        expected = {p.id for p in points if matches(p.payload, p.id, where)}
        assert expected, name
        assert await found(vector_index, where, limit=600) == expected, name


async def test_metadata_matches_exactly_by_value_and_type(vector_index):
    values = {1: 1, 2: 1.0, 3: "1", 4: 1.5, 5: "", 6: 2**60 + 1, 7: 2**60, 8: "é", 9: "e\u0301"}
    await vector_index.upsert([point(seed, metadata={"key": value}) for seed, value in values.items()])
    for wanted, expected in (
        (1, {1, 2}),
        (1.0, {1, 2}),
        ("1", {3}),
        (1.5, {4}),
        ("", {5}),
        (2**60, {7}),
        ("é", {8}),
        (0, set()),
        ("None", set()),
    ):
        where = VectorFilter(tenant=TENANT, metadata={"key": wanted})
        assert await found(vector_index, where) == {point(seed).id for seed in expected}, wanted


ODD_KEYS = [
    "",
    " ",
    ".",
    "a.b",
    "a[]",
    "a[0]",
    "a b",
    'a"b',
    "a\\",
    "a'b",
    "*",
    "ключ",
    "キー",
    "\u200b",
    "\x00",
]


async def test_odd_metadata_keys_match_themselves_and_nothing_else(vector_index):
    decoys = [{"a": "v"}, {"b": "v"}, {"plan": "v"}]
    metadata = [{key: "v"} for key in ODD_KEYS] + decoys
    await vector_index.upsert([point(seed, metadata=entry) for seed, entry in enumerate(metadata)])
    for seed, key in enumerate(ODD_KEYS):
        where = VectorFilter(tenant=TENANT, metadata={key: "v"})
        assert await found(vector_index, where) == {point(seed).id}, key
        assert await found(vector_index, VectorFilter(tenant=TENANT, metadata={key: "w"})) == set(), key


async def test_a_threshold_is_inclusive_and_keeps_what_lies_below_out(vector_index):
    await vector_index.upsert([point(seed) for seed in range(30)])
    hits = await vector_index.query(vector(0), EVERYTHING, limit=30)
    cut = hits[9].score
    above = await vector_index.query(vector(0), EVERYTHING, limit=30, score_threshold=cut)
    assert [hit.id for hit in above] == [hit.id for hit in hits[:10]]
    assert await vector_index.query(vector(31), EVERYTHING, limit=30, score_threshold=1.0) == []


async def test_counting_the_similar_agrees_with_finding_them_and_stops_at_its_bound(vector_index):
    await vector_index.upsert([point(seed) for seed in range(30)])
    hits = await vector_index.query(vector(0), EVERYTHING, limit=30)
    cut = hits[9].score
    count = partial(vector_index.count_similar, vector(0), EVERYTHING, score_threshold=cut)
    assert await count(at_most=30) == 10
    assert await count(at_most=4) == 4
    elsewhere = replace(EVERYTHING, tenant=uuid4())
    assert await vector_index.count_similar(vector(0), elsewhere, score_threshold=-1.0, at_most=30) == 0
    without = replace(EVERYTHING, exclude=(hits[0].id,))
    assert await vector_index.count_similar(vector(0), without, score_threshold=cut, at_most=30) == 9


async def test_pages_are_disjoint_complete_and_ordered_by_id_among_equals(vector_index):
    same = [replace(point(seed), vector=vector(1)) for seed in range(200)]
    others = [point(seed) for seed in range(300, 340)]
    await vector_index.upsert([*same[::-1], *others])
    whole = await vector_index.query(vector(2), EVERYTHING, limit=500)
    assert len(whole) == 240
    assert whole == sorted(whole, key=lambda hit: (-hit.score, hit.id))
    paged = []
    for offset in range(0, 260, 7):
        paged += await vector_index.query(vector(2), EVERYTHING, limit=7, offset=offset)
    assert [hit.id for hit in paged] == [hit.id for hit in whole]


async def test_ids_of_all_tenants_are_scrolled_in_ascending_order(vector_index):
    ids = [uuid4() for _ in range(50)] + [UUID(int=0), UUID(int=2**128 - 1)]
    points = [replace(point(n, tenant=UUID(int=n % 3)), id=id_) for n, id_ in enumerate(ids)]
    await vector_index.upsert(points)
    scrolled: list[UUID] = []
    while page := await vector_index.scroll_ids(after=scrolled[-1] if scrolled else None, limit=20):
        scrolled += page
    assert scrolled == sorted(ids)
    await vector_index.delete([sorted(ids)[20]])
    assert await vector_index.scroll_ids(after=sorted(ids)[20], limit=5) == sorted(ids)[21:26]


async def test_a_store_that_locks_refuses_to_be_opened_twice_with_the_cause(vector_backend):
    if not vector_backend.has_lock:
        pytest.skip("a server may be shared")
    vector_backend.open()
    with pytest.raises(IndexUnavailableError, match=r"another process holds it.*CLOSELOOP_QDRANT_URL"):
        vector_backend.open()


@pytest.mark.slow
async def test_a_filter_that_ten_of_fifty_thousand_satisfy_returns_those_ten(index_folder):
    index = EdgeIndex(index_folder, space="fifty thousand", dimensions=DIMENSIONS)
    rare = set(range(0, 50_000, 5_000))
    for start in range(0, 50_000, 5_000):
        await index.upsert(
            [
                point(seed, account="rare" if seed in rare else "common")
                for seed in range(start, start + 5_000)
            ]
        )
    where = VectorFilter(tenant=TENANT, account=("rare",))
    assert await found(index, where, limit=20) == {point(seed).id for seed in rare}
    assert await index.count() == 50_000
    await index.close()
