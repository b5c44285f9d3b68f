"""What is compared: the kinds of experiments, and the contenders of each."""
