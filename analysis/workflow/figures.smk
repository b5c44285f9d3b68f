# Figures and tables of each machine, of its newest complete run and all that are one body of evidence with it. The runs
# are what is on disk now: no rule makes them, so drawing never builds or measures, whatever the files' times say.
rule figures:
    input:
        lambda _: analysis.drawn(),
    localrule: True


for machine in analysis.machines():

    rule:
        name:
            f"figures-{machine}"
        input:
            lambda _, machine=machine: analysis.drawn_of(machine),
        localrule: True


# Judged by the runs on disk; nothing is built or measured for it.
rule claims:
    input:
        lambda _: analysis.claims_inputs(),
    output:
        "results/tables/claims.csv",
        "results/claims.md",
    log:
        "results/logs/claims.log",
    shell:
        "python -m analysis claims --tables results/tables --report results/claims.md > {log}"


rule machines:
    input:
        lambda _: analysis.machines_inputs(),
    output:
        "results/figures/machines.svg",
        "results/figures/machines.png",
        "results/tables/machines.csv",
    log:
        "results/logs/figures/machines.log",
    params:
        runs=lambda _: analysis.compared(),
    shell:
        "python -m analysis machines {params.runs} --figures results/figures --tables results/tables > {log}"


# All figures of a machine by one process: it would take each two seconds to load what draws them.
rule drawings:
    input:
        lambda wildcards: analysis.inputs(wildcards.machine),
    output:
        figures=directory("results/figures/{machine}"),
        tables=directory("results/tables/{machine}"),
    log:
        "results/logs/figures/{machine}.log",
    params:
        runs=lambda wildcards: analysis.runs_of(wildcards.machine),
    shell:
        "python -m analysis figures {params.runs} --figures {output.figures} --tables {output.tables} > {log}"
