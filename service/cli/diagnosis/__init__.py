"""What `closeloop doctor` looks at: here.py on this machine, remote.py at the service."""

from service.cli.diagnosis.finding import Finding, Level
from service.cli.diagnosis.here import check_here
from service.cli.diagnosis.remote import check_service

__all__ = ["Finding", "Level", "check_here", "check_service"]
