package com.example;

import java.nio.file.Path;
import java.util.List;
import org.minpro.data.Dataset;
import org.minpro.data.RowMapping;
import org.minpro.eval.Accuracy;
import org.minpro.run.LanguageModel;
import org.minpro.run.LanguageModel.Decoding;

/** How often a model answers the problems of a JSONL file right, with a 95 % interval. */
public final class EvaluateModel {
    private EvaluateModel() {}

    public static void main(String[] args) {
        try (LanguageModel model = LanguageModel.load(Path.of(args[0]))) {
            System.out.println(accuracy(model, Path.of(args[1])));
        }
    }

    static Accuracy accuracy(LanguageModel model, Path file) {
        Dataset problems = Dataset.read(List.of(file), RowMapping.of("prompt", "answer"));
        return model.evaluate(problems.problems(), OwnDataAndReward::score, Decoding.greedy(120), 1)
                .accuracy();
    }
}
