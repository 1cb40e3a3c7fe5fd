"""Durable background work: it survives a kill and goes on."""

from service.jobs.protocol import IdleJobs, Jobs

__all__ = ["IdleJobs", "Jobs"]
