"""Augmentations of waves, before any front end."""
