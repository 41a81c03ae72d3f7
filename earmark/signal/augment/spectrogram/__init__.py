"""Augmentations of spectrograms: power, magnitude or features."""
