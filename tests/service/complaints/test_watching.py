"""Trends and alerts: counts in UTC days, one alert an episode, sleep and return."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from service.auth import ensure_tenant
from service.complaints.watching import CATCH_UP_DAYS, LEAST_DAYS, end_alert, per_day, watch
from service.store.database import Database
from service.store.records import Complaint, ComplaintAlert, ComplaintMapRecord, Feedback, new_id

TODAY = date(2026, 6, 1)


@pytest.fixture
def database(database_url):
    opened = Database(database_url)
    opened.migrate()
    yield opened
    opened.close()


def a_text(tenant, complaint, moment):
    return Feedback(
        id=new_id(),
        tenant_id=tenant,
        channel="api",
        text="",
        version=1,
        occurred_at=moment,
        received_at=moment,
        vector=b"",
        space="",
        language="en",
        judged=[],
        complaint_id=complaint,
    )


class Stream:
    """A tenant with some complaints and texts on chosen days."""

    def __init__(self, database, complaints=("a", "b")):
        self.database = database
        with database.write() as session:
            self.tenant = ensure_tenant(session, f"tenant-{new_id()}").id
            for name in complaints:
                session.add(Complaint(tenant_id=self.tenant, id=name, size=1, severity="high"))

    def say(self, complaint, day, count=1):
        with self.database.write() as session:
            for place in range(count):
                moment = datetime.combine(day, time(23, 59, 59, 999_999 - place), UTC)
                session.add(a_text(self.tenant, complaint, moment))
            if complaint:
                row = session.get_one(Complaint, (self.tenant, complaint))
                row.last_seen = datetime.combine(day, time(12), UTC)

    def steadily(self, complaint, days, every=3):
        for back in range(days, 0, -every):
            self.say(complaint, TODAY - timedelta(days=back))

    def watch(self, day):
        with self.database.write() as session:
            return watch(session, self.tenant, today=day)

    def alerts(self):
        with self.database.read() as session:
            query = select(ComplaintAlert).where(ComplaintAlert.tenant_id == self.tenant)
            return session.scalars(query.order_by(ComplaintAlert.id)).all()

    def complaint(self, name):
        with self.database.read() as session:
            return session.get_one(Complaint, (self.tenant, name))


@pytest.fixture
def stream(database):
    return Stream(database)


def test_a_tenant_with_hardly_any_past_gets_no_alert_however_much_comes(stream):
    stream.say("a", TODAY - timedelta(days=LEAST_DAYS - 2))
    stream.say("a", TODAY, 40)

    assert stream.watch(TODAY) == set()
    assert stream.alerts() == []
    assert stream.complaint("a").growth is None


def test_a_steady_complaint_raises_nothing(stream):
    stream.steadily("a", 90)
    for back in range(20, -1, -1):
        stream.watch(TODAY - timedelta(days=back))
    assert stream.alerts() == []
    assert not stream.complaint("a").rising


def test_a_burst_is_one_alert_while_it_lasts_and_moves_the_cases(stream):
    stream.steadily("a", 90)
    stream.steadily("b", 90)
    stream.watch(TODAY - timedelta(days=1))
    stream.say("a", TODAY, 9)

    assert stream.watch(TODAY) == {"a"}
    assert stream.watch(TODAY) == set()  # hourly looks at one day raise nothing more
    stream.say("a", TODAY + timedelta(days=1), 9)
    stream.watch(TODAY + timedelta(days=1))

    (alert,) = stream.alerts()
    assert (alert.complaint_id, alert.until, alert.times, alert.severity) == ("a", None, 1, "high")
    assert alert.observed > alert.expected
    assert stream.complaint("a").rising
    assert stream.complaint("a").growth > 3
    assert not stream.complaint("b").rising


def test_an_episode_ends_when_it_is_calm_and_is_reopened_when_it_returns(stream):
    stream.steadily("a", 90)
    stream.say("a", TODAY, 9)
    day = TODAY
    stream.watch(day)
    while stream.alerts()[0].until is None:
        day += timedelta(days=1)
        stream.watch(day)
    assert 7 <= (day - TODAY).days <= 16
    assert not stream.complaint("a").rising
    day += timedelta(days=3)
    stream.say("a", day, 12)
    stream.watch(day)

    (alert,) = stream.alerts()
    assert (alert.until, alert.times) == (None, 2)


def test_days_on_which_nobody_looked_are_tested_afterwards(stream):
    stream.steadily("a", 90)
    stream.watch(TODAY - timedelta(days=12))
    stream.say("a", TODAY - timedelta(days=10), 12)

    stream.watch(TODAY)

    assert len(stream.alerts()) == 1
    assert stream.alerts()[0].since <= TODAY - timedelta(days=10)


def test_a_pause_of_years_is_caught_up_in_bounded_time(stream):
    with stream.database.write() as session:
        session.add(ComplaintMapRecord(tenant_id=stream.tenant, watched_on=date(1990, 1, 1)))
    stream.steadily("a", 30)
    stream.watch(TODAY)
    assert CATCH_UP_DAYS < 60
    with stream.database.read() as session:
        assert session.get_one(ComplaintMapRecord, stream.tenant).watched_on == TODAY


def test_sixty_quiet_days_put_a_complaint_to_sleep_and_a_text_wakes_it(stream):
    stream.say("a", TODAY - timedelta(days=70))
    stream.say("b", TODAY - timedelta(days=59))
    stream.watch(TODAY)
    assert (stream.complaint("a").status, stream.complaint("b").status) == ("dormant", "open")
    stream.say("a", TODAY)
    stream.watch(TODAY)
    assert stream.complaint("a").status == "open"


def test_a_complaint_that_is_none_any_more_has_its_alert_ended(stream):
    stream.steadily("a", 90)
    stream.say("a", TODAY, 9)
    stream.watch(TODAY)
    with stream.database.write() as session:
        end_alert(session, stream.tenant, "a", today=TODAY)
        end_alert(session, stream.tenant, "b", today=TODAY)
    assert stream.alerts()[0].until == TODAY


def test_another_tenants_texts_are_not_counted(database):
    one, other = Stream(database), Stream(database)
    other.say("a", TODAY, 5)
    one.say("a", TODAY, 2)
    with database.read() as session:
        assert sum(count for _, count in per_day(session, one.tenant, "a", until=TODAY, days=7)) == 2


@pytest.fixture(scope="module")
def shared(shared_database_url):
    opened = Database(shared_database_url)
    opened.migrate()
    yield opened
    opened.close()


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 86_399)), max_size=12))
def test_texts_are_counted_on_their_utc_day_and_none_is_lost(shared, texts):
    stream = Stream(shared)
    moments = [
        datetime.combine(TODAY - timedelta(days=back), time(), UTC) + timedelta(seconds=second)
        for back, second in texts
    ]
    with shared.write() as session:
        session.add_all([a_text(stream.tenant, "a", moment) for moment in moments])
    with shared.read() as session:
        counted = per_day(session, stream.tenant, "a", until=TODAY, days=21)
    assert [day for day, _ in counted] == [TODAY - timedelta(days=back) for back in range(20, -1, -1)]
    for day, count in counted:
        assert count == sum(moment.date() == day for moment in moments)
