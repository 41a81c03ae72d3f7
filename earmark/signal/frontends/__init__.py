"""Front ends: steps that are part of every view, in training and in use."""
