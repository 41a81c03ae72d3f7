"""Ways of hearing a clip: what of it the network gets, and how the scores become one; one class a file."""
