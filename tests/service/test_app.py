"""The whole way of a text, on each database."""


def test_a_text_is_scored_stored_found_and_queued(client):
    answer = client.post(
        "/v1/feedback?wait=indexed", json={"items": [{"text": "the app crashes at checkout"}]}
    )
    assert answer.status_code == 201
    assert answer.headers["x-indexed"] == "true"
    stored = answer.json()["items"][0]
    assert stored["score"]["topic"] == "bug_crash"

    found = client.post("/v1/search", json={"query": "crashes at checkout"}).json()
    assert [hit["feedback"]["id"] for hit in found["items"]] == [stored["id"]]
    assert found["facets"]["topic"]["bug_crash"] == 1

    queue = client.get("/v1/queue").json()
    assert [(item["case_id"], item["rank"]) for item in queue["items"]] == [(stored["case_id"], 1)]
    case = client.get(f"/v1/cases/{stored['case_id']}").json()
    assert case["rank"] == 1
    assert set(case["rank_without"].values()) == {1}
