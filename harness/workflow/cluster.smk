# The nodes that config/cluster.yaml names, each by one job that has the whole node and measures all of a run: a job starts
# Snakemake twice, 4 to 15 s, and one of its own for each length would place pages, tune and calibrate each time.
from harness.workflow import cluster


rule node:
    input:
        rules.build.input,
    output:
        f"{cluster.FOLDER}/{{entry}}/{{node}}.tar.gz",
    log:
        f"{cluster.LOGS}/{{entry}}/{{node}}.log",
    wildcard_constraints:
        entry="[a-z0-9-]+",
        node="[A-Za-z0-9_.-]+",
    # A job that fails, is pre-empted or is stopped by its time limit goes on where it was.
    retries: cluster.RETRIES
    # Becomes cpus-per-task, of the job and of the srun in it, which inherits none: of a whole node it would take one.
    threads: lambda wildcards: cluster.job_of(wildcards).entry.processors
    resources:
        slurm_partition=lambda wildcards: cluster.job_of(wildcards).entry.partition,
        # As -C in slurm_extra the plugin refuses it.
        constraint=lambda wildcards: cluster.job_of(wildcards).entry.constraint,
        # --exclusive gives all processors, but of the memory what is asked for; 0, which is Slurm's word for all of it,
        # the plugin leaves out.
        mem_mb=lambda wildcards: round(1000 * cluster.job_of(wildcards).entry.memory_gigabytes),
        runtime=lambda wildcards: round(60 * cluster.job_of(wildcards).entry.hours),
        slurm_account=lambda wildcards: cluster.job_of(wildcards).entry.account,
        qos=lambda wildcards: cluster.job_of(wildcards).entry.qos,
        slurm_extra=lambda wildcards, attempt: cluster.flags(
            cluster.job_of(wildcards), attempt, cluster.described().wait_hours
        ),
    params:
        options=lambda wildcards: cluster.options(cluster.job_of(wildcards).entry, OVERRIDES),
        content=lambda wildcards: cluster.content(cluster.job_of(wildcards).entry, config, OVERRIDES),
    shell:
        "python -m harness measure {params.options} --bundle {output} > {log} 2>&1"


# The run lies in results/runs already, since nodes share the folder; its bundle is checked here as any other.
rule brought:
    input:
        rules.node.output,
    output:
        f"{cluster.FOLDER}/{{entry}}/{{node}}.run",
    log:
        f"{cluster.LOGS}/{{entry}}/{{node}}-brought.log",
    localrule: True
    shell:
        "python -m harness adopt {input} --runs results/runs --name-in {output} > {log} 2>&1"


rule:
    name:
        "reproduce-cluster"
    input:
        lambda _: cluster.planned(config, OVERRIDES, workflow.local_exec and not workflow.dryrun),
    localrule: True


# A node that does not come must not keep the others from being drawn, so what is drawn is no rule's: it follows when nothing
# is left to be waited for.
DRAW = "snakemake figures --quiet rules progress reason host"


onsuccess:
    if cluster.came(workflow.dag.jobs):
        shell(DRAW)


onerror:
    if cluster.came(workflow.dag.jobs):
        shell(DRAW)
