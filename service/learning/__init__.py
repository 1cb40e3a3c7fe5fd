"""What people teach the models."""
