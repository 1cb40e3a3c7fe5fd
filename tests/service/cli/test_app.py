import pytest


def test_every_promised_command_is_there(cli):
    listed = cli("--help").stdout
    for name in (
        "serve",
        "prepare",
        "doctor",
        "keys",
        "score",
        "search",
        "queue",
        "import",
        "reindex",
        "demo",
    ):
        assert f" {name} " in listed


def test_version_ends_well(cli):
    assert cli("--version").exit_code == 0


@pytest.mark.parametrize("arguments", [("nonsense",), ("queue", "--no-such-option"), ("import",)])
def test_a_usage_error_has_an_exit_code_of_its_own(cli, arguments):
    assert cli(*arguments).exit_code == 2
