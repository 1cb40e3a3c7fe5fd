import pytest

from models.heads import HEAD_KINDS
from models.labels import LABELS


def test_every_head_of_the_table_has_its_kinds():
    assert LABELS.keys() == HEAD_KINDS.keys()


@pytest.mark.parametrize("head", LABELS)
def test_labels_of_a_head_are_named_once(head):
    assert len(set(LABELS[head])) == len(LABELS[head])
