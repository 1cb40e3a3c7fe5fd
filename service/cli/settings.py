"""Where a command finds the service and the stores, from the environment or `.env`."""

from typing import TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.cli.errors import CliError
from service.settings import Settings

S = TypeVar("S", bound=BaseSettings)


class ClientSettings(BaseSettings):
    """What the commands that speak HTTP need to know."""

    model_config = SettingsConfigDict(
        env_prefix="CLOSELOOP_", env_file=".env", frozen=True, extra="ignore", env_ignore_empty=True
    )

    url: str = Field(default="http://127.0.0.1:8080", description="Where the service listens.")
    key: SecretStr | None = Field(default=None, description="A key made by `closeloop keys create`.")


def client_settings() -> ClientSettings:
    """Read where the service is.

    Raises:
        CliError: A value does not fit.
    """
    return _read(ClientSettings)


def service_settings() -> Settings:
    """Read what the service would read.

    Raises:
        CliError: A value does not fit.
    """
    return _read(Settings)


def _read(form: type[S]) -> S:
    try:
        return form()
    except ValidationError as error:
        found = "; ".join(
            f"CLOSELOOP_{'_'.join(map(str, row['loc'])).upper()}: {row['msg']}"
            for row in error.errors(include_input=False)
        )
        raise CliError(f"the settings do not fit: {found}") from error
