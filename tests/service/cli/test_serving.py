import pytest
import uvicorn
from fastapi import FastAPI

from models.errors import ArtefactError
from service.cli.errors import CliError
from service.cli.serving import Startup, refusal
from service.store.errors import IndexUnavailableError


class Broken:
    """A lifespan that fails as it begins."""

    def __init__(self, error):
        self.error = error

    def __call__(self, app):
        return self

    async def __aenter__(self):
        raise self.error

    async def __aexit__(self, *exc):
        pass


@pytest.mark.parametrize("error", [ArtefactError("no model\nhere"), IndexUnavailableError("locked")])
def test_an_application_that_does_not_start_is_remembered_with_its_reason(error, caplog):
    startup = Startup(FastAPI(lifespan=Broken(error)))
    with pytest.raises(SystemExit):
        uvicorn.Server(uvicorn.Config(startup, lifespan="on", log_config=None, port=0)).run()
    assert startup.error is error
    assert "Traceback" not in caplog.text
    assert str(refusal(startup.error)) == f"cannot start: {' '.join(str(error).split())}"


def test_a_mistake_of_ours_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        refusal(ZeroDivisionError())


def test_an_early_end_without_a_reason_is_told():
    assert isinstance(refusal(None), CliError)
