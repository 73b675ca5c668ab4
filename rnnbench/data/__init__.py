"""Data: where it comes from, how it is numbered, and how it is cut into batches."""
