"""Networks: encoders that make maps of what is heard, heads that make scores of them, and what joins the two."""
