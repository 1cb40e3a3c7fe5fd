"""The API's own page works on a machine that reaches no other."""

import re


def test_the_page_loads_everything_from_the_service_itself(client):
    page = client.get("/docs").text
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert any("swagger-ui-bundle.js" in address for address in loaded)
    assert not re.search(r"https?://", page)
    for address in loaded:
        assert client.get(address).status_code == 200, address
