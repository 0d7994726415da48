package com.example;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.DoubleStream;
import org.minpro.rollout.Rollout;
import org.minpro.run.LanguageModel;
import org.minpro.run.LanguageModel.Decoding;

/** Asks a model: one completion as it is written, a batch, and how likely an answer is. */
public final class GenerateTexts {
    private GenerateTexts() {}

    public static void main(String[] args) {
        try (LanguageModel model = LanguageModel.load(Path.of(args[0]))) {
            model.generate("12+34=", Decoding.sampled(0.7, 100), System.out::print);
            System.out.println();
            batch(model).forEach(System.out::println);
            System.out.println("log-probability of the answer: "
                    + DoubleStream.of(model.score("2+2=", "4")).sum());
        }
    }

    static List<String> batch(LanguageModel model) {
        return model.generate(List.of("12+34=", "56+78="), Decoding.greedy(120), 1).stream()
                .map(Rollout::text)
                .toList();
    }
}
