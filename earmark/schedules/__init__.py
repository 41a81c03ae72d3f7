"""Schedules: how far a training is to the factor of its learning rate; no memory."""
