package org.minpro.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.minpro.model.HuggingFaceReader;
import org.minpro.model.LowRankAdapter;
import org.minpro.model.ModelConfig;
import org.minpro.model.ParameterSelection;
import org.minpro.model.PolicyVersion;
import org.minpro.objective.Grpo;
import org.minpro.objective.LogProbStream;
import org.minpro.objective.Loss;
import org.minpro.recipe.ModelSection;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.SamplingParams;
import org.minpro.run.ModelFiles;
import org.minpro.tensor.Engine;
import org.minpro.tensor.Workers;
import org.minpro.train.ComputeSettings;
import org.minpro.train.Learner;
import org.minpro.train.LearningRateSchedule;
import org.minpro.train.OptimizerSettings;
import org.minpro.train.Policy;
import org.minpro.train.PolicyGradient;
import org.minpro.train.TrainingRow;
import org.minpro.train.Update;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/**
 * Our half of {@code bench/trl/side_by_side.py}: one whole GRPO step (sample, reward, gradient, AdamW) for every line
 * that comes in on stdin, its seconds on stdout as JSON.
 *
 * <p>Arguments: MODEL WORKLOAD DTYPE WORKERS [MICRO_BATCH_TOKENS [RANK [DEVICE [LANES]]]], by default (0) those of a recipe; the workload has
 * {@code prompts} (lists of ids), {@code rows_per_prompt} and {@code new_tokens}. Every response has exactly that many tokens.
 * With a rank an adapter beside all linear maps is trained in place of the model.
 */
public final class GrpoStep {
    private GrpoStep() {}

    /** The argument at a place; 0 where there is none. */
    private static int number(String[] arguments, int at) {
        return at < arguments.length ? Integer.parseInt(arguments[at]) : 0;
    }

    public static void main(String[] arguments) throws IOException {
        if (arguments.length < 4 || arguments.length > 8) {
            System.err.println(
                    "usage: GrpoStep MODEL WORKLOAD f32|bf16 WORKERS [MICRO_BATCH_TOKENS [RANK [DEVICE [LANES]]]]");
            System.exit(2);
        }
        JsonNode workload = new ObjectMapper().readTree(Path.of(arguments[1]).toFile());
        List<int[]> prompts = new ArrayList<>();
        for (JsonNode prompt : workload.get("prompts")) {
            int[] ids = new int[prompt.size()];
            Arrays.setAll(ids, i -> prompt.get(i).asInt());
            prompts.add(ids);
        }
        int rowsPerPrompt = workload.get("rows_per_prompt").asInt();
        int newTokens = workload.get("new_tokens").asInt();
        ComputeSettings compute = new ComputeSettings(
                arguments.length >= 7 ? arguments[6] : "auto", number(arguments, 4), number(arguments, 7), 0);
        Engine.use(compute.device());
        int lanes = compute.lanes();
        int slots = LocalRolloutEngine.slots((long) prompts.size() * rowsPerPrompt, lanes, compute.onCuda());
        ModelFiles files =
                ModelFiles.open(HuggingFaceReader.open(arguments[0]).path().toString());
        try (Workers workers = new Workers(Integer.parseInt(arguments[3]));
                Policy policy = files.policy(
                        files.computeType(
                                arguments[2].equals("bf16") ? ModelSection.Dtype.BF16 : ModelSection.Dtype.F32),
                        selection(files.config(), number(arguments, 5)),
                        parameters -> parameters.initialiseAdapter(1));
                Learner learner = new Learner(
                        policy,
                        new Learner.Settings(
                                Loss.of(new Grpo()),
                                new OptimizerSettings(1e-6, 0, LearningRateSchedule.CONSTANT),
                                Long.MAX_VALUE,
                                new PolicyGradient.Settings(lanes, compute.microBatchTokens(), 1),
                                false),
                        workers);
                LocalRolloutEngine engine = new LocalRolloutEngine(workers, slots, 1, ids -> "")) {
            System.out.println("ready");
            BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (int step = 0; lines.readLine() != null; step++) {
                long start = System.nanoTime();
                try (PolicyVersion version = policy.holdVersion()) {
                    engine.publish(version);
                }
                List<RolloutRequest> requests = new ArrayList<>();
                for (int prompt = 0; prompt < prompts.size(); prompt++) {
                    requests.add(RolloutRequest.of(
                            (long) step * prompts.size() + prompt, prompts.get(prompt), rowsPerPrompt));
                }
                List<Rollout> rollouts =
                        engine.generate(requests, SamplingParams.of(newTokens, List.of()), rollout -> {});
                engine.withdraw();
                long sampled = System.nanoTime();
                List<TrainingRow> rows = rows(rollouts, rowsPerPrompt);
                Update update = learner.update(rows);
                long end = System.nanoTime();
                Mismatch mismatch =
                        Mismatch.of(rows, update.requireStep().scored().logProbs());
                int tokens = rollouts.stream()
                        .mapToInt(rollout -> rollout.responseIds().length)
                        .sum();
                System.out.println("{\"tokens\":" + tokens + ",\"sampling\":" + (sampled - start) / 1e9 + ",\"step\":"
                        + (end - start) / 1e9 + ",\"grad_norm\":"
                        + update.requireStep().gradientNorm() + ",\"mismatch\":" + mismatch.mean()
                        + ",\"mismatch_max\":" + mismatch.max() + "}");
            }
        }
    }

    /**
     * How far sampler and trainer are apart over all tokens of a step: what is fast must be right too.
     *
     * @param mean of |log mu - log pi|
     * @param max of it
     */
    private record Mismatch(double mean, double max) {
        static Mismatch of(List<TrainingRow> rows, float[][] logProbs) {
            double sum = 0;
            double max = 0;
            long tokens = 0;
            for (int row = 0; row < logProbs.length; row++) {
                float[] behavior = rows.get(row).logProbs(LogProbStream.BEHAVIOR);
                for (int t = 0; t < behavior.length; t++) {
                    double difference = Math.abs(behavior[t] - logProbs[row][t]);
                    sum += difference;
                    max = Math.max(max, difference);
                }
                tokens += behavior.length;
            }
            return new Mismatch(sum / tokens, max);
        }
    }

    private static ParameterSelection selection(ModelConfig config, int rank) {
        return rank == 0
                ? ParameterSelection.all(config)
                : ParameterSelection.of(
                        config,
                        LowRankAdapter.of(
                                config,
                                rank,
                                2.0 * rank,
                                LowRankAdapter.Variant.LORA,
                                List.of(LowRankAdapter.ALL_LINEAR)));
    }

    /** The reward is the share of even ids; the advantage is that of GRPO, divided by the group's deviation. */
    private static List<TrainingRow> rows(List<Rollout> rollouts, int rowsPerPrompt) {
        List<TrainingRow> rows = new ArrayList<>();
        for (int first = 0; first < rollouts.size(); first += rowsPerPrompt) {
            List<Rollout> group = rollouts.subList(first, first + rowsPerPrompt);
            double[] rewards = group.stream()
                    .mapToDouble(rollout -> Arrays.stream(rollout.responseIds())
                            .filter(id -> id % 2 == 0)
                            .count())
                    .toArray();
            double mean = Arrays.stream(rewards).average().orElseThrow();
            double deviation = Math.sqrt(Arrays.stream(rewards)
                    .map(reward -> (reward - mean) * (reward - mean))
                    .average()
                    .orElseThrow());
            for (int i = 0; i < group.size(); i++) {
                rows.add(TrainingRow.of(group.get(i), (rewards[i] - mean) / (deviation + 1e-4)));
            }
        }
        return rows;
    }
}
