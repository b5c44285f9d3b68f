"""How samples are taken: in which order, how often, by which variants, and how fast one can be."""
