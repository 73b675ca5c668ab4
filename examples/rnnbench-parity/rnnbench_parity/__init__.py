"""Running parity, a task for rnnbench, and a network of phases that solves it."""
