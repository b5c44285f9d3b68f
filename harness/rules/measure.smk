# Where the rows go depends on the processor and on the content of code, configuration and compilers, which the harness
# finds out and names in a temporary file; it leaves a complete run as it is and goes on with one that was stopped. So
# Snakemake asks it every time.
rule measure:
    input:
        extensions,
    output:
        temp("results/runs/measured"),
    # More than any machine has, capped to all cores: nothing else runs meanwhile.
    threads: 10000
    params:
        overrides=" ".join(
            f"--{key} {' '.join(value) if isinstance(value, list) else value}" for key, value in OVERRIDES.items()
        ),
    # exec: the harness is then Snakemake's own child, and ends with it even after kill -9.
    shell:
        "exec python -m harness measure --die-with-parent --name-in {output} {params.overrides}"
