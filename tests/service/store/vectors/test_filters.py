from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from service.store.vectors.filters import Conditions, OneOf, Within, conditions_of
from service.store.vectors.points import KEYWORD_FIELDS, NUMBER_FIELDS
from service.store.vectors.protocol import FACETS, VectorFilter

TENANT = UUID(int=1)
ONLY_TENANT = OneOf(field="tenant", values=(str(TENANT),))


@pytest.mark.parametrize("bound", ["occurred_from", "occurred_to", "received_until"])
def test_a_time_without_zone_is_refused(bound):
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(ValueError, match="time zone"):
        conditions_of(VectorFilter(tenant=TENANT, **{bound: naive}))


@pytest.mark.parametrize("least", [float("nan"), float("inf"), "1"])
def test_a_revenue_json_would_write_as_null_is_refused(least):
    with pytest.raises(ValueError, match="revenue_min"):
        conditions_of(VectorFilter(tenant=TENANT, revenue_min=least))


def test_an_empty_filter_still_asks_for_the_tenant():
    assert conditions_of(VectorFilter(tenant=TENANT)) == Conditions(
        one_of=(ONLY_TENANT,), within=(), exclude=()
    )
    assert conditions_of(VectorFilter(tenant=TENANT, metadata={})).one_of == (ONLY_TENANT,)


def test_every_field_of_a_filter_becomes_a_condition():
    moment = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    values = {"complaint_id": "c", "revenue_min": 0, "occurred_from": moment, "occurred_to": moment}
    values |= {"received_until": moment, "metadata": {"a": 1, "b": "x"}, "exclude": (UUID(int=5),)}
    names = {field.name for field in fields(VectorFilter)} - {"tenant"}
    where = VectorFilter(tenant=TENANT, **{name: values.get(name, ("v",)) for name in names})

    conditions = conditions_of(where)

    seconds = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    assert conditions.within == (
        Within(field="revenue", at_least=0, below=None),
        Within(field="occurred_at", at_least=seconds, below=seconds),
        Within(field="received_at", at_least=None, below=seconds),
    )
    assert conditions.exclude == (UUID(int=5),)
    words = {one_of.field: one_of.values for one_of in conditions.one_of}
    assert words.keys() == set(KEYWORD_FIELDS)
    assert [one.values for one in conditions.one_of if one.field == "metadata"] == [
        ('["a", 1]',),
        ('["b", "x"]',),
    ]
    assert words["complaint_id"] == ("c",)
    assert words["language"] == ("v",)
    assert {within.field for within in conditions.within} == set(NUMBER_FIELDS)


def test_facets_are_fields_a_point_may_have():
    assert set(FACETS) <= set(KEYWORD_FIELDS)
