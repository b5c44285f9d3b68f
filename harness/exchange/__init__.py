"""How a run travels: packed, checked, adopted."""
