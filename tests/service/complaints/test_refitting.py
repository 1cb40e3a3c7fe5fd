"""A refit from the request to what is stored."""


def test_a_refit_finds_the_matters_and_leaves_praise_out(grown, complaint_of):
    """Six customers with one problem are a complaint; thanks are none."""
    assert grown.done["state"] == "done"
    assert [row["size"] for row in grown.complaints.values()] == [6, 6, 6, 6]
    assert complaint_of("praise") is None
    for matter in ("crash", "card", "login", "twice"):
        found = {complaint_of(f"{matter}-{place}")["id"] for place in range(6)}
        assert len(found) == 1
