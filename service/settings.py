"""What can be set, from the environment (prefix `CLOSELOOP_`) or a `.env` file."""

from pathlib import Path
from typing import Annotated, Final, Literal

from croniter import croniter
from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url

import models
from models.weights import default_cache

CRON_FIELDS: Final = 5


def default_model() -> Path:
    """Return the folder of the heads that ship with this version."""
    return Path(models.__file__).parent / "default"


def _is_schedule(value: str) -> str:
    if value != "off" and not (len(value.split()) == CRON_FIELDS and croniter.is_valid(value)):
        raise ValueError("expected a cron expression of five fields, such as `0 3 * * *`, or `off`")
    return value


class Settings(BaseSettings):
    """Settings of one process; frozen, read once by whoever composes the application."""

    model_config = SettingsConfigDict(
        env_prefix="CLOSELOOP_", env_file=".env", frozen=True, extra="ignore", env_ignore_empty=True
    )

    auth: Literal["on", "off"] = Field(
        default="on",
        description="`off` answers every caller as tenant `default`; starts on a loopback address only.",
    )
    data_dir: Path = Field(default=Path("var"), description="Database, vectors and promoted models.")
    database_url: SecretStr | None = Field(
        default=None, description="PostgreSQL or SQLite URL; default: SQLite in the data directory."
    )
    model_cache: Path = Field(
        default_factory=default_cache, description="Converted encoders and built graphs."
    )
    model: Path = Field(default_factory=default_model, description="Folder of the heads to serve.")
    encoder: str = Field(default="bundled", description="`bundled`, a hub id, a folder, or `hashing`.")
    runtime: Literal["auto", "onnx", "torch"] = Field(
        default="auto", description="What runs the encoder; `auto` is torch until a graph is built."
    )
    qdrant_url: str | None = Field(default=None, description="A Qdrant server; default: engine in process.")
    qdrant_api_key: SecretStr | None = None
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto", description="`auto`: console on a terminal, JSON otherwise."
    )
    inference_threads: int | None = Field(
        default=None, ge=1, le=256, description="Threads of the forward pass; default: the runtime's choice."
    )
    waiting_texts_max: int = Field(
        default=2048, ge=1, description="Texts that may wait for the encoder before the service answers 503."
    )
    deadline_ms: int = Field(
        default=10_000, ge=1, le=600_000, description="How long a caller waits who does not say."
    )
    texts_per_minute: int | None = Field(
        default=None, ge=1, description="A tenant's own rate of texts; unlimited when unset."
    )

    refit_schedule: Annotated[str, AfterValidator(_is_schedule)] = Field(
        default="0 3 * * *",
        description="When recurring complaints are found anew, as a cron expression in UTC; `off`: only when "
        "asked for.",
    )
    refit_threads: int | None = Field(
        default=None, ge=1, le=256, description="Threads of a refit's process; default: the machine's cores."
    )

    def sqlalchemy_url(self) -> str:
        """Return the database URL in SQLAlchemy's form, with the drivers this project uses."""
        if self.database_url is None:
            return f"sqlite+pysqlite:///{self.data_dir / 'closeloop.db'}"
        url = self.database_url.get_secret_value()
        for prefix in ("postgres://", "postgresql://"):
            if url.startswith(prefix):
                return "postgresql+psycopg://" + url.removeprefix(prefix)
        return url

    def jobs_url(self) -> str:
        """Return where the jobs' own records are: beside SQLite's file, or in PostgreSQL's schema `dbos`."""
        url = self.sqlalchemy_url()
        if not url.startswith("sqlite"):
            return url
        database = make_url(url).database
        folder = Path(database).parent if database and database != ":memory:" else self.data_dir
        return f"sqlite:///{(folder / 'jobs.db').absolute()}"

    @property
    def vectors_dir(self) -> Path:
        """Folder of the in-process index."""
        return self.data_dir / "vectors"
