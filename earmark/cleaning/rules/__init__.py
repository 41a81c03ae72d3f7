"""Rules that judge doubtful labels: one class a kind."""
