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


# Makes anew what the model is made of: needs gcc, clang and llvm-mca, and some five minutes. Committed by a person.
rule:
    name:
        "refresh-model"
    log:
        "results/logs/refresh-model.log",
    localrule: True
    shell:
        "python -m analysis.model refresh > {log}"
