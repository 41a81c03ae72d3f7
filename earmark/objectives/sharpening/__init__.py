"""Ways to make guesses more decided than they are, one a file."""
