"""Primitives that fast recurrences share, each with its own backward: linear, elementwise, matrix, dense."""
