"""The built-in tasks, one folder a plugin, found by the same door as anybody's (`rnnbench.plugins`)."""
