"""Augmentations: random steps of the training views only."""
