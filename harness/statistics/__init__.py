"""What rows say: medians, intervals, ratios, known answers. What decides which rows are measured is here too."""
