"""Text in, arrays and predictions out. No HTTP, no database, no training loop."""
