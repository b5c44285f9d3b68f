# What the model expects of the paper's machines, from what is recorded in results/model/: nothing is built or measured.
rule predict:
    input:
        lambda _: analysis.model_inputs(),
    output:
        directory("results/predicted"),
    log:
        "results/logs/predict.log",
    shell:
        "python -m analysis.model predict --output {output} > {log}"
