"""Losses: (logits, targets, known) to one number a clip; weights and reduction belong to the caller."""
