"""The built-in backbones, one idea a file."""
