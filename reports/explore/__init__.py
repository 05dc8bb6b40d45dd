"""Design-space exploration: a space of engines and networks, searched, measured and reported."""
