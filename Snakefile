# Targets: reproduce-all (measure this machine, then draw), figures (draw from the rows on disk), figures-MACHINE,
# report-page (the page, the verdicts and the appendix alone), build (compile), predict (what the model expects of the
# paper's machines), reproduce-MACHINE, and reproduce-cluster (measure the nodes of a cluster, then draw).
from pathlib import Path

from snakemake.utils import min_version

from analysis.workflow import targets as analysis
from harness.workflow import targets as harness

min_version("9.0")
harness.prepare()
# What a rule starts is then Snakemake's own child, and ends with it even after kill -9.
shell.prefix("exec setpriv --pdeathsig KILL ")


# Instead of `configfile:`, so that it is read and checked like everywhere; Snakemake would take the last of equal keys.
OVERRIDES = harness.configure(config)


wildcard_constraints:
    machine="[a-z0-9-]+",


include: "harness/workflow/build.smk"
include: "harness/workflow/measure.smk"
include: "harness/workflow/cluster.smk"
include: "analysis/workflow/figures.smk"
include: "analysis/workflow/predict.smk"


# What there is to draw is known only when this machine has been measured.
rule summary:
    input:
        lambda _: checkpoints.measure.get() and analysis.drawn(),
        run=rules.measure.output,
    output:
        "results/runs/summary.txt",
    log:
        "results/logs/summary.log",
    shell:
        'python -m analysis summary "$(cat {input.run})" 2> {log} | tee {output} || {{ cat {log} >&2; exit 1; }}'


rule:
    name:
        "reproduce-all"
    default_target: True
    input:
        rules.summary.output,
    localrule: True


# On the machine itself this measures, then draws; elsewhere it draws from the machine's recorded runs.
for machine in analysis.machines():

    rule:
        name:
            f"reproduce-{machine}"
        input:
            lambda _, machine=machine: (
                rules.summary.output if harness.is_here(config, machine, BUILT) else analysis.elsewhere(machine)
            ),
        localrule: True
