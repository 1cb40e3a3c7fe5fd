"""A refit from the request to what is stored: races, identity."""

# ruff: noqa: S603  (this interpreter, with a program of ours)

import subprocess
import sys
import threading

import pytest
from sqlalchemy import delete, select

from service.complaints import refitting
from service.complaints.applying import apply_refit
from service.complaints.refits import Asked, due_tenants, request_refit
from service.complaints.refitting import PEOPLE_WERE_FASTER, run_refit
from service.complaints.snapshot import take_snapshot
from service.store.records import Complaint, ComplaintRefit, Feedback, Tenant, new_id


def ask(caller):
    with caller.state.database.write() as session:
        return request_refit(session, caller.tenant_id, Asked(by="test", reason="demand"))


def found_in(caller, snapshot):
    from models.complaints.refit import Earlier, refit  # noqa: PLC0415  (takes seconds)

    earlier = Earlier(members=snapshot.members, known=snapshot.known, kept=snapshot.kept)
    return refit(
        snapshot.texts,
        snapshot.vectors,
        space=caller.state.model.space,
        earlier=earlier,
        decisions=snapshot.decisions,
    )


def snapshot_of(caller):
    return take_snapshot(caller.state.database, caller.tenant_id, space=caller.state.model.space)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_tenant_with_next_to_nothing_gets_no_complaints(caller, refit, items, count):
    if count:
        caller.store(*items("crash", count))
    done = refit(caller)
    assert (done["state"], done["texts"], done["complaints"]) == ("done", count, 0)
    assert caller.get("/v1/complaints").json()["items"] == []


def test_a_refit_that_ended_or_whose_tenant_is_gone_is_not_run_again(grown):
    database, space = grown.state.database, grown.state.model.space
    assert run_refit(database, new_id(), space=space) == 0
    with database.read() as session:
        done = session.scalars(
            select(ComplaintRefit).where(ComplaintRefit.tenant_id == grown.tenant_id)
        ).one()
    assert run_refit(database, done.id, space=space) == 0
    with database.read() as session:
        assert session.get_one(ComplaintRefit, done.id).attempts == 1


def test_a_refit_finds_the_matters_and_leaves_praise_out(grown, complaint_of):
    assert grown.done["state"] == "done"
    assert [row["size"] for row in grown.complaints.values()] == [6, 6, 6, 6]
    assert complaint_of("praise") is None
    for matter in ("crash", "card", "login", "twice"):
        assert len({complaint_of(f"{matter}-{place}")["id"] for place in range(6)}) == 1


def test_one_refit_of_a_tenant_at_a_time_whoever_asks(caller):
    found = []

    def request():
        found.append(ask(caller))

    threads = [threading.Thread(target=request) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({refit.id for refit, _ in found}) == 1
    assert sum(is_new for _, is_new in found) == 1


def test_identities_stay_when_more_comes_and_the_lineage_says_how_much(grown, refit, items):
    before = {row["id"]: row["size"] for row in grown.complaints.values()}
    joined = grown.store(*items("crash", 2, first=30))
    refit(grown)

    after = {row["id"]: row["size"] for row in grown.get("/v1/complaints").json()["items"]}
    assert after.keys() == before.keys()
    crash = grown.get(f"/v1/complaints/{joined[0]['complaint']['id']}").json()
    assert [(row["event"], row["texts"]) for row in crash["lineage"]] == [("born", 6), ("grew", 2)]
    assert crash["size"] == 8
    assert crash["customers"] == 8


def test_texts_that_come_while_it_runs_are_placed_by_the_new_map(caller, items):
    for matter in ("crash", "login"):
        caller.store(*items(matter, 6))
    snapshot = snapshot_of(caller)
    found = found_in(caller, snapshot)
    late = caller.store(*items("crash", 1, first=40), {"text": "thank you, great service"})
    gone = caller.get("/v1/feedback", limit=200).json()["items"][-1]["id"]
    assert caller("DELETE", f"/v1/feedback/{gone}").status_code == 204
    with caller.state.database.write() as session:
        applied = apply_refit(session, caller.tenant_id, snapshot, found, space=caller.state.model.space)
    assert applied is not None
    assert caller.get(f"/v1/feedback/{late[0]['id']}").json()["complaint_id"] is not None
    assert caller.get(f"/v1/feedback/{late[1]['id']}").json()["complaint_id"] is None
    sizes = sorted(row["size"] for row in caller.get("/v1/complaints").json()["items"])
    assert sum(sizes) == 12
    with caller.state.database.read() as session:
        assert gone not in caller.state.maps.of(session, caller.tenant_id).texts


def test_what_people_decide_while_it_runs_makes_it_begin_anew(grown, items, monkeypatch):
    """The first round sees the old state, the second what a person did meanwhile."""
    grown.store(*items("crash", 1, first=40))
    login = next(row for row in grown.complaints.values() if "password" in row["title"])
    rounds = []

    def take(database, tenant, *, space):
        rounds.append(1)
        snapshot = take_snapshot(database, tenant, space=space)
        if len(rounds) == 1:
            answer = grown.post(f"/v1/complaints/{login['id']}/dissolve", {"version": login["version"]})
            assert answer.status_code == 200
        return snapshot

    monkeypatch.setattr(refitting, "take_snapshot", take)
    asked, _ = ask(grown)

    assert run_refit(grown.state.database, asked.id, space=grown.state.model.space) == 0
    assert len(rounds) == 2
    assert login["id"] not in {row["id"] for row in grown.get("/v1/complaints").json()["items"]}


def test_people_who_never_rest_make_it_give_up_with_nothing_written(grown, monkeypatch):
    row = next(iter(grown.complaints.values()))

    def take(database, tenant, *, space):
        snapshot = take_snapshot(database, tenant, space=space)
        version = grown.get(f"/v1/complaints/{row['id']}").json()["version"]
        grown.patch(f"/v1/complaints/{row['id']}", {"title": f"v{version}", "version": version})
        return snapshot

    monkeypatch.setattr(refitting, "take_snapshot", take)
    asked, _ = ask(grown)

    code = run_refit(grown.state.database, asked.id, space=grown.state.model.space)
    assert code == PEOPLE_WERE_FASTER
    assert grown.get(f"/v1/complaints/refits/{asked.id}").json()["state"] == "running"


def test_a_failure_in_the_midst_of_applying_leaves_everything_as_it_was(grown, items, monkeypatch):
    grown.store(*items("login", 3, first=40))
    before = grown.get("/v1/complaints").json()
    snapshot = snapshot_of(grown)
    found = found_in(grown, snapshot)

    def fail(*_args, **_given):
        raise RuntimeError("in the midst")

    monkeypatch.setattr("service.complaints.applying.watch", fail)
    with pytest.raises(RuntimeError), grown.state.database.write() as session:
        apply_refit(session, grown.tenant_id, snapshot, found, space=grown.state.model.space)
    assert grown.get("/v1/complaints").json() == before


def test_texts_of_another_space_keep_their_complaint_unseen(grown, refit):
    with grown.state.database.write() as session:
        mine = select(Feedback).where(
            Feedback.tenant_id == grown.tenant_id, Feedback.complaint_id.is_not(None)
        )
        rows = list(session.scalars(mine))
        for row in rows[:2]:
            row.space = "another"
        kept = {row.id: row.complaint_id for row in rows[:2]}
    # No settling: the indexer would embed them anew.
    asked, _ = ask(grown)
    run_refit(grown.state.database, asked.id, space=grown.state.model.space)
    with grown.state.database.read() as session:
        assert {key: session.get_one(Feedback, key).complaint_id for key in kept} == kept


def test_only_tenants_with_something_new_are_due(grown, new_caller, items):
    quiet = new_caller()
    quiet.store({"text": "thank you, great service"})
    with grown.state.database.read() as session:
        assert not {grown.tenant_id, quiet.tenant_id} & set(due_tenants(session))
    grown.store(*items("crash", 1, first=40))
    with grown.state.database.read() as session:
        assert grown.tenant_id in due_tenants(session)


def test_a_removed_tenant_takes_its_complaints_along(grown):
    with grown.state.database.write() as session:
        tenant = grown.tenant_id
        session.execute(delete(Tenant).where(Tenant.id == tenant))
        assert not session.scalars(select(Complaint).where(Complaint.tenant_id == tenant)).all()


def test_what_serves_imports_nothing_that_only_a_refit_needs():
    """BERTopic, UMAP, HDBSCAN and scikit-learn stay in the process of a refit."""
    program = (
        "import sys, service.app, service.cli, service.jobs.durable, service.complaints.closing;"
        "heavy = {'bertopic', 'umap', 'hdbscan', 'sklearn', 'graspologic_native', 'numba'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
