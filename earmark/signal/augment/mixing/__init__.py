"""Augmentations that make one clip of two."""
