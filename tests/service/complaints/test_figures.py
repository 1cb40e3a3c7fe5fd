"""Metrics of complaints: over all tenants, the same from every process, and of nobody in particular."""

import re

from service.store.errors import DatabaseUnavailableError


def figure(text, name):
    return float(re.search(rf"^{re.escape(name)} ([0-9.]+)$", text, re.MULTILINE)[1])


def test_metrics_count_complaints_refits_and_notices(grown):
    before = grown.client.get("/metrics").text
    complaint = next(iter(grown.complaints.values()))
    answer = grown.post(f"/v1/complaints/{complaint['id']}/close", {"note": "done"})
    assert answer.status_code == 200

    after = grown.client.get("/metrics").text

    def risen(name):
        return figure(after, name) - figure(before, name)

    assert risen('closeloop_complaints{status="open"}') == -1
    assert risen('closeloop_complaints{status="closed"}') == 1
    assert risen("closeloop_complaint_notices_waiting") == 6
    assert figure(after, 'closeloop_complaint_refits{state="done"}') >= 1
    assert figure(after, 'closeloop_complaint_alerts{severity="critical"}') == 0
    assert grown.tenant not in after
    assert complaint["id"] not in after


def test_without_a_database_the_other_metrics_are_still_told(running, monkeypatch):
    def away(*_given):
        raise DatabaseUnavailableError("the database does not answer")

    monkeypatch.setattr("service.api.health.read_figures", away)
    assert "closeloop_requests_total" in running.get("/metrics").text
