"""Recurring complaints: assigned as texts come, refit as a job, decided on by people, watched for bursts."""
