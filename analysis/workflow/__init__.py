"""What Snakemake asks of the analysis."""
