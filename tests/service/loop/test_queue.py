"""The queue's order, against Python's own ranking of every case."""

import random
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from service.auth import ensure_tenant
from service.loop.queue import Place, QueueFilter, queue_page, ranks_of, value_at
from service.store.database import Database
from service.store.records import Case, Feedback, new_id
from service.store.vectors import VectorFilter
from service.triage.priority import SERVICE_LEVEL_SECONDS, Resting, Weights, priority_at
from service.triage.rank import rank_case

MOMENT = datetime(2026, 6, 1, tzinfo=UTC)
BEFORE = MOMENT - timedelta(days=1)
WEIGHTS = Weights()
NUMBERS = st.tuples(
    st.one_of(st.floats(0, 85), st.sampled_from([0.1, 15.1, 33.3])),
    st.one_of(st.just(0.0), st.floats(0, 70)),
    # Mostly long ago, so that many have waited for as long as counts.
    st.one_of(st.integers(-3_600, 30 * 86_400), st.just(10**8)),
    st.sampled_from(sorted(SERVICE_LEVEL_SECONDS.values())),
)


@pytest.fixture(scope="module")
def database(shared_database_url):
    opened = Database(shared_database_url)
    opened.migrate()
    yield opened
    opened.close()


def a_queue(database, rows):
    """Store open cases with these numbers for a new tenant; return it with each case's priority by Python."""
    with database.write() as session:
        tenant = ensure_tenant(session, f"tenant-{new_id()}")
        expected = {}
        for base, floor, waited, level in rows:
            feedback = Feedback(
                tenant_id=tenant.id,
                id=new_id(),
                channel="api",
                text="",
                version=1,
                occurred_at=MOMENT,
                received_at=MOMENT,
                vector=b"",
                space="",
                language="und",
                judged=[],
            )
            session.add(feedback)
            session.flush()
            case = Case(id=new_id(), tenant_id=tenant.id, feedback_id=feedback.id, opened_at=BEFORE)
            rank_case(case, feedback, None, WEIGHTS)
            case.base, case.floor, case.resting = base, floor, max(base, floor)
            case.waiting_since = MOMENT.timestamp() - waited
            case.service_level_seconds = level
            session.add(case)
            resting = Resting(terms=(), base=base, floor=floor, service_level_seconds=level)
            expected[case.id] = priority_at(resting, WEIGHTS, waited_seconds=float(waited)).value
    return SimpleNamespace(id=tenant.id, expected=expected)


def walk(database, tenant: UUID, page: int):
    after, seen = None, []
    while True:
        with database.read() as session:
            rows = queue_page(
                session,
                QueueFilter(feedback=VectorFilter(tenant=tenant)),
                weights=WEIGHTS,
                as_of=MOMENT,
                after=after,
                limit=page,
            )
        seen += [(row.case.id, row.value, row.rank) for row in rows]
        if len(rows) < page:
            return seen
        after = Place(value=rows[-1].value, case_id=rows[-1].case.id, rank=rows[-1].rank)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(NUMBERS, max_size=40), page=st.integers(1, 3))
def test_pages_together_are_the_whole_queue_in_the_order_of_pythons_priorities(database, rows, page):
    tenant = a_queue(database, rows)

    seen = walk(database, tenant.id, page)

    assert [value for _, value, _ in seen] == pytest.approx(sorted(tenant.expected.values(), reverse=True))
    assert {case_id for case_id, _, _ in seen} == set(tenant.expected)
    assert [rank for _, _, rank in seen] == list(range(1, len(rows) + 1))


def test_the_value_in_sql_is_the_value_in_python_to_the_last_bit(database):
    chance = random.Random(7)
    rows = [
        (
            chance.uniform(0, 85),
            chance.choice([0.0, chance.uniform(0, 70)]),
            chance.randint(-100, 10**6),
            level,
        )
        for level in SERVICE_LEVEL_SECONDS.values()
        for _ in range(50)
    ]
    tenant = a_queue(database, rows)

    with database.read() as session:
        query = select(Case.id, value_at(MOMENT, WEIGHTS.waiting)).where(Case.tenant_id == tenant.id)
        assert {row[0]: row[1] for row in session.execute(query)} == tenant.expected


def test_many_equal_cases_are_each_seen_once(database):
    """Older than their service level and alike: the bound that pages rest on is met exactly."""
    tenant = a_queue(database, [(0.1, 0.0, 10**8, 3_600.0)] * 60)

    seen = [case_id for case_id, _, _ in walk(database, tenant.id, 2)]

    assert seen == sorted(tenant.expected)


def test_a_rank_is_the_place_in_the_queue_also_among_equals(database):
    tenant = a_queue(database, [(50.0, 0.0, 0, 3_600.0)] * 3 + [(10.0, 50.0, 0, 3_600.0)] * 2)

    places = {case_id: rank for case_id, _, rank in walk(database, tenant.id, 10)}

    with database.read() as session:
        for case in session.scalars(select(Case).where(Case.tenant_id == tenant.id)):
            value = tenant.expected[case.id]
            assert ranks_of(session, case, [value], weights=WEIGHTS, as_of=MOMENT) == [places[case.id]]


def test_cases_that_came_after_the_first_page_are_in_no_later_one(database):
    tenant = a_queue(database, [(10.0, 0.0, 0, 3_600.0)] * 2)
    with database.write() as session:
        newer = session.scalars(select(Case).where(Case.tenant_id == tenant.id)).first()
        newer.opened_at = MOMENT + timedelta(microseconds=1)

    assert [case_id for case_id, _, _ in walk(database, tenant.id, 10)] == [
        case_id for case_id in tenant.expected if case_id != newer.id
    ]
