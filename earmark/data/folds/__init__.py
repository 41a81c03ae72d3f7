"""Folds: which training clips are held out together, one class a way of choosing."""
