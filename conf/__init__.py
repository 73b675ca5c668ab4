"""Hydra's configs: ``config.yaml`` holds every default, ``experiment/`` named settings."""
