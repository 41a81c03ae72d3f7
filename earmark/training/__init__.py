"""Training: a generator of epochs, the state it leaves behind, and what is built around it."""
