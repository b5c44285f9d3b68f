# Figures and tables of the newest complete run of each machine. The runs are what is on disk now: no rule makes them, so
# drawing never builds or measures, whatever the files' times say.
RESULTS = Path("results")


try:
    DRAWN = catalog.newest_complete(RESULTS)
except AnalysisError as error:
    raise WorkflowError(str(error))


def drawn(_):
    """Every figure of every machine that has a complete run."""
    if not DRAWN:
        raise WorkflowError("there is no complete run below results/: measure this machine with `make reproduce-all`")
    return [f"results/figures/{machine}/{name}.svg" for machine in DRAWN for name in figure_list.names()]


def samples(wildcards):
    """run.json and the rows of the run that is drawn for a machine."""
    folder = DRAWN[wildcards.machine]
    return [folder / "run.json", *folder.glob("samples.csv*")]


rule figures:
    input:
        drawn,
    localrule: True


rule figure:
    input:
        samples,
        sorted(Path("analysis").glob("*.py")),
        lambda wildcards: f"analysis/figures/{wildcards.figure.replace('-', '_')}.py",
    output:
        "results/figures/{machine}/{figure}.svg",
        "results/figures/{machine}/{figure}.png",
        "results/tables/{machine}/{figure}.csv",
    params:
        run=lambda wildcards: DRAWN[wildcards.machine],
    shell:
        "python -m analysis figure {wildcards.figure} {params.run}"
        " --figures results/figures/{wildcards.machine} --tables results/tables/{wildcards.machine}"
