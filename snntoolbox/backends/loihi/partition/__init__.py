"""How a network is cut into cores: candidates, what each takes, and the search for the best."""
