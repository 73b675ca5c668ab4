"""Tasks with exactly one mistake each, for the kit to find, and some without: of each kind of value and each shape."""
