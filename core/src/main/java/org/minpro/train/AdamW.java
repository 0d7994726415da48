package org.minpro.train;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.minpro.dist.Collectives;
import org.minpro.model.Kernels;
import org.minpro.model.Parameters;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.FusedAdamW;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;

/**
 * AdamW (Loshchilov and Hutter, arXiv 1711.05101) with readable state and float32 master weights.
 *
 * <pre>
 * p -= rate decay p
 * m  = beta1 m + (1 - beta1) g
 * v  = beta2 v + (1 - beta2) g^2
 * p -= rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
 * </pre>
 *
 * Weight decay touches matrices only, not norms and biases. The step is element-wise, so neither the number of workers
 * nor the pieces it is cut into change a bit. On a GPU it is libtorch's fused step, which rounds differently.
 */
public final class AdamW implements AutoCloseable {
    /** Elements stepped at once: all operands of a piece stay in the cache. */
    private static final long PIECE = 1L << 16;

    private final OptimizerSettings settings;
    private final SequencedMap<String, Tensor> means = new LinkedHashMap<>();
    private final SequencedMap<String, Tensor> squares = new LinkedHashMap<>();
    private final Set<String> matrices = new HashSet<>();
    private final Ownership ownership;
    private final Kernels.@Nullable OptimizerStep vectors = Kernels.optimizerStep();
    private final boolean together;
    private long steps;

    /**
     * An optimizer that has taken no step.
     *
     * @param settings all but the learning rate and the clipping, which are given to each step
     * @param master the weights of which the trained ones are stepped, those float32 (float64 for a float64 model)
     */
    public AdamW(OptimizerSettings settings, Parameters master) {
        this(settings, master, new Ownership(master.trainable(), Collectives.alone()));
    }

    /** @param ownership of which elements this process keeps the state, and steps them */
    AdamW(OptimizerSettings settings, Parameters master, Ownership ownership) {
        this(settings, master, ownership, Kernels.together(master.device()));
    }

    /** @param together whether all parameters are stepped in one operation, as on a GPU */
    AdamW(OptimizerSettings settings, Parameters master, Ownership ownership, boolean together) {
        this.together = together;
        this.settings = settings;
        this.ownership = ownership;
        try (Scope scope = Scope.open()) {
            master.trainable().forEach((name, tensor) -> {
                if (tensor.dimensions() > 1) {
                    matrices.add(name);
                }
                means.put(name, zeros(name, tensor));
                squares.put(name, zeros(name, tensor));
            });
        }
    }

    private Tensor zeros(String name, Tensor parameter) {
        Tensor zeros = ownership.ranks().isAlone()
                ? parameter.zerosLike()
                : Tensor.zeros(
                        parameter.device(),
                        parameter.type(),
                        ownership.mine(name).length());
        return zeros.retain();
    }

    /** Bytes of optimizer state for a number of trained parameters. */
    public static long stateBytes(long parameters) {
        return 2 * parameters * DType.F32.bytes();
    }

    public long steps() {
        return steps;
    }

    public void setSteps(long steps) {
        this.steps = steps;
    }

    /**
     * The state under readable names, {@code mean.NAME} and {@code square.NAME}: what a checkpoint stores. Of several processes,
     * the elements that this one owns, {@code [elements]}.
     */
    public SequencedMap<String, Tensor> state() {
        SequencedMap<String, Tensor> state = new LinkedHashMap<>();
        means.forEach((name, tensor) -> state.put("mean." + name, tensor));
        squares.forEach((name, tensor) -> state.put("square." + name, tensor));
        return state;
    }

    /**
     * One step.
     *
     * @param master the weights that are stepped, of the shapes that the optimizer was made for
     * @param gradients by the names of {@link Parameters#trainable}; a parameter without one is left alone. On a GPU they are
     *     multiplied where they are
     * @param scale multiplies every gradient first, as clipping asks
     */
    public void step(Parameters master, Map<String, Tensor> gradients, double rate, double scale, Workers workers) {
        try (Scope scope = Scope.open()) {
            step(ownership.owned(master.trainable()), gradients, rate, scale, workers);
        }
    }

    /**
     * The same for who has no whole weights.
     *
     * @param owned the elements that this process owns, {@code [elements]}, by the names of all trained parameters
     */
    void step(
            SequencedMap<String, Tensor> owned,
            Map<String, Tensor> gradients,
            double rate,
            double scale,
            Workers workers) {
        steps++;
        if (together) {
            stepTogether(owned, gradients, rate, scale);
            return;
        }
        double meanCorrection = 1 - Math.pow(settings.beta1(), (double) steps);
        double squareCorrection = Math.sqrt(1 - Math.pow(settings.beta2(), (double) steps));
        List<Callable<Boolean>> tasks = new ArrayList<>();
        int count = workers.count();
        for (int worker = 0; worker < count; worker++) {
            int share = worker;
            tasks.add(() -> {
                try (NoGradient off = NoGradient.open()) {
                    long piece = 0;
                    for (Map.Entry<String, Tensor> entry : owned.entrySet()) {
                        Tensor gradient = gradients.get(entry.getKey());
                        Ownership.Slice slice = ownership.mine(entry.getKey());
                        long end = slice.end();
                        for (long start = slice.start(); start < end && gradient != null; start += PIECE) {
                            if (piece++ % count == share) {
                                stepPiece(
                                        entry.getValue(),
                                        entry.getKey(),
                                        gradient,
                                        start,
                                        Math.min(PIECE, end - start),
                                        rate,
                                        scale,
                                        meanCorrection,
                                        squareCorrection);
                            }
                        }
                    }
                }
                return true;
            });
        }
        workers.run(tasks);
    }

    /** Those that decay in one operation, the others in another. */
    private void stepTogether(
            SequencedMap<String, Tensor> owned, Map<String, Tensor> gradients, double rate, double scale) {
        try (NoGradient off = NoGradient.open();
                Scope scope = Scope.open()) {
            for (boolean decays : new boolean[] {true, false}) {
                List<Tensor> parameters = new ArrayList<>();
                List<Tensor> ofParameters = new ArrayList<>();
                List<Tensor> ofMeans = new ArrayList<>();
                List<Tensor> ofSquares = new ArrayList<>();
                owned.forEach((name, parameter) -> {
                    Tensor gradient = gradients.get(name);
                    Ownership.Slice slice = ownership.mine(name);
                    if (gradient == null || slice.length() == 0 || matrices.contains(name) != decays) {
                        return;
                    }
                    parameters.add(parameter);
                    ofParameters.add(Ownership.part(gradient, slice.start(), slice.length()));
                    ofMeans.add(Ownership.part(Objects.requireNonNull(means.get(name)), 0, slice.length()));
                    ofSquares.add(Ownership.part(Objects.requireNonNull(squares.get(name)), 0, slice.length()));
                });
                FusedAdamW.step(
                        parameters,
                        ofParameters,
                        ofMeans,
                        ofSquares,
                        steps,
                        scale,
                        new FusedAdamW.Factors(
                                rate,
                                settings.beta1(),
                                settings.beta2(),
                                decays ? settings.weightDecay() : 0,
                                settings.epsilon()));
            }
        }
    }

    private void stepPiece(
            Tensor owned,
            String name,
            Tensor gradient,
            long start,
            long length,
            double rate,
            double scale,
            double meanCorrection,
            double squareCorrection) {
        try (Scope scope = Scope.open()) {
            long first = ownership.mine(name).start();
            Tensor parameter = Ownership.part(owned, start - first, length);
            Tensor mean = Ownership.part(Objects.requireNonNull(means.get(name)), start - first, length);
            Tensor square = Ownership.part(Objects.requireNonNull(squares.get(name)), start - first, length);
            Tensor g = Ownership.part(gradient, start, length);
            boolean decays = settings.weightDecay() > 0 && matrices.contains(name);
            if (vectors != null && owned.type() == DType.F32 && owned.device().kind() == Device.Kind.CPU) {
                vectors.step(
                        parameter,
                        mean,
                        square,
                        g,
                        new Kernels.OptimizerStep.Factors(
                                scale,
                                decays ? 1 - rate * settings.weightDecay() : 1,
                                settings.beta1(),
                                settings.beta2(),
                                rate / meanCorrection,
                                squareCorrection,
                                settings.epsilon()));
                return;
            }
            if (scale != 1) {
                g = g.multiply(scale);
            }
            if (decays) {
                parameter.multiplyInPlace(1 - rate * settings.weightDecay());
            }
            mean.multiplyInPlace(settings.beta1()).addScaledInPlace(g, 1 - settings.beta1());
            square.multiplyInPlace(settings.beta2()).addProductInPlace(g, g, 1 - settings.beta2());
            Tensor denominator =
                    square.squareRoot().divideInPlace(squareCorrection).addInPlace(settings.epsilon());
            parameter.addQuotientInPlace(mean, denominator, -rate / meanCorrection);
        }
    }

    @Override
    public void close() {
        means.values().forEach(Tensor::close);
        squares.values().forEach(Tensor::close);
    }
}
