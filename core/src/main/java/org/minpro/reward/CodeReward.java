package org.minpro.reward;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.minpro.data.Problem;
import org.minpro.rollout.Rollout;
import org.minpro.sandbox.Isolation;
import org.minpro.sandbox.JavaSandbox;

/** A {@link JavaReward} with its sandbox. */
final class CodeReward implements Reward {
    /** What compiling may take on top of a program's own time, and waiting for others. */
    private static final double COMPILING_SECONDS = 60;

    private final JavaReward settings;
    private final Isolation isolation;
    private final JavaSandbox sandbox;

    CodeReward(JavaReward settings) {
        this.settings = settings;
        this.isolation = Isolation.find(settings.limits());
        this.sandbox = new JavaSandbox(settings.limits(), isolation);
    }

    @Override
    public double serviceSeconds() {
        return settings.wallSeconds() + COMPILING_SECONDS;
    }

    @Override
    public String described() {
        return settings.described();
    }

    @Override
    public List<String> notices() {
        return List.of("programs of the policy run with " + isolation.words());
    }

    @Override
    public Score score(Problem problem, Rollout rollout) {
        List<String> tests = new ArrayList<>();
        switch (problem.fields().get(settings.testsField())) {
            case String test -> tests.add(test);
            case List<?> several -> several.forEach(test -> tests.add(String.valueOf(test)));
            case null, default -> {}
        }
        if (tests.isEmpty()) {
            return Score.undecided("the problem must have tests in its field '" + settings.testsField() + "'");
        }
        JavaSandbox.Outcome outcome;
        try {
            outcome = sandbox.run(FencedBlock.last(rollout.text()), tests);
        } catch (IOException e) {
            throw new UncheckedIOException("a program's process must start and stay, got: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while a program ran", e);
        }
        double passed = (double) outcome.passed() / tests.size();
        double share = settings.partial() ? passed : Math.floor(passed);
        return new Score(
                true,
                settings.fail() + share * (settings.pass() - settings.fail()),
                Map.of("compiled", outcome.compiled() ? 1.0 : 0.0, "passed", passed),
                outcome.reason().isEmpty() ? "passes" : outcome.reason());
    }

    @Override
    public void close() {
        sandbox.close();
    }
}
