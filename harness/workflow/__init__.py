"""What Snakemake asks of the harness."""
