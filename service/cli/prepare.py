"""`closeloop prepare`: brings and converts the encoder ahead of time."""

from service.cli.console import err, out
from service.cli.errors import CliError
from service.cli.settings import service_settings


def prepare() -> None:
    """Fetch, check and convert the encoder into the model cache, so that `serve` starts at once."""
    # Only this command and the service need the conversion's libraries.
    from models.errors import WeightsError  # noqa: PLC0415
    from models.weights import prepare_encoder  # noqa: PLC0415

    settings = service_settings()
    messages = err()
    try:
        folder = prepare_encoder(
            settings.encoder, settings.model_cache, report=lambda line: messages.print(line, markup=False)
        )
    except WeightsError as error:
        raise CliError(str(error)) from error
    out().print(f"encoder ready: {folder}", markup=False, soft_wrap=True)
