"""What a run is: its files, what they must hold, the machines and the configuration that they tell of, and errors."""
