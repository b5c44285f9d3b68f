# Where the rows go depends on the processor and on the content of code, configuration and compilers. The harness finds that
# out, leaves a complete run as it is, goes on with one that was stopped, and notes the run's folder in the output.
checkpoint measure:
    input:
        rules.build.input,
        lambda _: harness.alone() if workflow.is_main_process else [],
    output:
        "results/runs/measured",
    log:
        "results/logs/measure.log",
    # More than any machine has, capped to all cores: nothing else runs meanwhile.
    threads: 10000
    params:
        overrides=OVERRIDES,
        # Other than the last time, so that the harness is asked anew whatever there is.
        asked=harness.now(),
    shell:
        "python -m harness measure --name-in {output} --log {log} {params.overrides}"
