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


# What a reviewer reads, the verdicts in it; nothing is built or measured for it.
rule page:
    input:
        lambda _: analysis.page_inputs(),
    output:
        report(
            "results/tables/claims.csv", caption="captions/verdicts.rst", category="Verdicts", labels={"what": "table"}
        ),
        "results/claims.md",
        "results/artifact.md",
        report("results/report.html", caption="captions/page.rst", category="Verdicts", labels={"what": "the page"}),
    log:
        "results/logs/page.log",
    shell:
        "python -m analysis page > {log}"


rule:
    name:
        "report-page"
    input:
        rules.page.output,
    localrule: True


rule machines:
    input:
        lambda _: analysis.machines_inputs(),
    output:
        report(
            "results/figures/machines.svg",
            caption="captions/machines.rst",
            category="All machines",
            labels={"what": "figure"},
        ),
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
        figures=report(
            directory("results/figures/{machine}"),
            patterns=["{name}.svg"],
            caption="captions/figure.rst",
            category="{machine}",
            labels={"what": "figure", "name": "{name}"},
        ),
        tables=report(
            directory("results/tables/{machine}"),
            patterns=["{name}.csv"],
            caption="captions/table.rst",
            category="{machine}",
            labels={"what": "table", "name": "{name}"},
        ),
    log:
        "results/logs/figures/{machine}.log",
    benchmark:
        "results/logs/figures/{machine}.seconds"
    params:
        runs=lambda wildcards: analysis.runs_of(wildcards.machine),
    shell:
        "python -m analysis figures {params.runs} --figures {output.figures} --tables {output.tables} > {log}"
