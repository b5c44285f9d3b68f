# One extension per compiler and ISA, and the host part compiled by the primary compiler.
BUILT = Path("results/build")


def extensions(_):
    """The extensions that a run needs: of every compiler that is installed."""
    try:
        compilers, _ = compilation.find_compilers(config)
    except HarnessError as error:
        raise WorkflowError(str(error))
    names = [compiler.name for compiler in compilers]
    return [
        compilation.extension_path(BUILT, names[0], compilation.HOST),
        *(compilation.extension_path(BUILT, name, isa) for name in names for isa in config["isas"]),
    ]


rule build:
    input:
        extensions,
    localrule: True


rule extension:
    input:
        sorted(Path("kernels").glob("*.[ch]")),
        "config/config.yaml",
    output:
        f"{BUILT}/{{compiler}}/_softmax_{{any_name}}_{{target}}.so",
    wildcard_constraints:
        any_name="[a-z_]+",
        target="host|scalar|avx2|avx512f",
    shell:
        "python -m harness build --compiler {wildcards.compiler} --target {wildcards.target} --output {output}"
