"""Ways of making one table of scores of several: one class a kind."""
