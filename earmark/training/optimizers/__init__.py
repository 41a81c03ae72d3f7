"""Optimizers: settings that build them."""
