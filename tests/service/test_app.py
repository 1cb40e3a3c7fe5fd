def test_a_text_is_scored_stored_found_and_queued(client):
    answer = client.post("/v1/feedback?wait=indexed", json={"items": [{"text": "the app crashes at checkout"}]})
    assert answer.status_code == 201, answer.text
    stored = answer.json()["items"][0]
    print(stored)
    found = client.post("/v1/search", json={"query": "crashes at checkout"}).json()
    print(found)
    assert [hit["feedback"]["id"] for hit in found["items"]] == [stored["id"]]
    queue = client.get("/v1/queue").json()
    print(queue)
    print(client.get("/v1/cases/"+stored["case_id"]).json())
    assert queue["items"][0]["case_id"] == stored["case_id"]
