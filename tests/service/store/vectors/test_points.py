from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from service.store.vectors.points import finite, metadata_term, prepared, stored_payload, unit_vector
from service.store.vectors.protocol import Point

TENANT = UUID(int=10**37)

values = st.one_of(st.text(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))


def test_a_refused_point_is_named():
    bad = Point(id=UUID(int=7), vector=np.zeros(3, dtype=np.float32), payload={"tenant": str(TENANT)})
    with pytest.raises(ValueError, match=f"point {UUID(int=7)}: expected a vector with a direction"):
        prepared([bad], 3)


@pytest.mark.parametrize("value", ["1", None, [1], float("nan"), float("inf")])
def test_what_is_not_a_finite_number_is_refused(value):
    with pytest.raises(ValueError, match=r"expected .* as seats"):
        finite("seats", value)


def test_a_number_too_large_for_a_float_is_refused_as_bad_input():
    with pytest.raises(ValueError, match="revenue"):
        stored_payload({"tenant": str(TENANT), "revenue": 10**400})


def test_the_callers_vector_is_left_as_it_was():
    vector = np.array([3, 4], dtype=np.float32)
    unit_vector(vector, 2)
    assert vector.tolist() == [3, 4]


def test_any_form_of_a_tenants_uuid_is_kept_as_filters_write_it():
    assert stored_payload({"tenant": TENANT.hex.upper()}) == {"tenant": str(TENANT)}


def test_of_points_with_one_id_the_last_is_kept():
    vector = np.ones(2, dtype=np.float32)
    points = [
        Point(id=UUID(int=1), vector=vector, payload={"tenant": str(TENANT), "language": language})
        for language in ("de", "fi")
    ]
    [kept] = prepared(points, 2)
    assert kept.payload["language"] == "fi"


numbers = st.floats(-(2.0**127), 2.0**127, width=32, allow_subnormal=False)


@given(arrays(np.float32, 5, elements=numbers).filter(np.any))
def test_any_finite_direction_becomes_a_unit_vector_of_the_same_direction(vector):
    unit = unit_vector(vector, 5)
    assert unit.dtype == np.float32
    wide = vector.astype(np.float64)
    assert np.linalg.norm(unit.astype(np.float64)) == pytest.approx(1, abs=1e-6)
    assert unit @ (wide / np.linalg.norm(wide)) == pytest.approx(1, abs=1e-6)


@given(st.text(), values, st.text(), values)
def test_two_metadata_entries_share_a_term_exactly_when_they_are_equal(key, value, other_key, other):
    same = key == other_key and value == other
    assert (metadata_term(key, value) == metadata_term(other_key, other)) == same


@given(st.text(), st.integers(-(2**53), 2**53))
def test_a_whole_number_has_one_term_as_int_and_as_float(key, number):
    assert metadata_term(key, number) == metadata_term(key, float(number))
    assert metadata_term(key, number) != metadata_term(key, str(number))


@given(st.text(), values)
def test_a_term_is_ascii_so_that_no_engine_normalises_it(key, value):
    assert metadata_term(key, value).isascii()
