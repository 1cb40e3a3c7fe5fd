import re

from hypothesis import given
from hypothesis import strategies as st

from service.store.vectors.space import safe_name


@given(st.text())
def test_any_space_has_a_name_every_file_system_and_qdrant_accept(space):
    name = safe_name(space)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{11,72}", name)


def test_spaces_that_read_alike_have_names_apart_even_where_case_is_ignored():
    spaces = ["e5:a/b", "e5:a-b", "e5:A/b", "e5 a b", "", "/", "é", "x" * 100, "x" * 101]
    assert len({safe_name(space).lower() for space in spaces}) == len(spaces)
