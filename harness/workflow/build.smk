# One extension per compiler and ISA, and the host part compiled by the primary compiler.
BUILT = Path("results/build")


rule build:
    input:
        lambda _: harness.extensions(config, BUILT),
    localrule: True


rule extension:
    input:
        sorted(Path("kernels").rglob("*.[ch]")),
        "harness/native/build.py",
    output:
        f"{BUILT}/{{compiler}}/_softmax_{{name}}_{{target}}.so",
    log:
        f"{BUILT}/{{compiler}}/{{name}}_{{target}}.log",
    benchmark:
        "results/logs/build/{compiler}_{name}_{target}.seconds"
    wildcard_constraints:
        name="[a-z0-9_]+",
        target="[a-z0-9]+",
    # Once, where Snakemake runs: the nodes of a cluster take the same object.
    localrule: True
    params:
        provenance=lambda wildcards: harness.provenance(config, wildcards.compiler, wildcards.target),
    shell:
        "python -m harness build --compiler {wildcards.compiler} --target {wildcards.target} --output {output} > {log}"
