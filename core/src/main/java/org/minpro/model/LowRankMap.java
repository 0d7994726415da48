package org.minpro.model;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * What an adapter adds to one projection, {@code s (x A^T) B^T}, with its gradient written out.
 *
 * <p>It is computed in the type of A and B, which may be wider than the model's. Products are those of the projection, so a
 * row has the bits that it has beside any others; {@code s} is multiplied in before the second product and what is added is
 * rounded once, so no bit depends on where in a tensor an element is.
 */
final class LowRankMap {
    /**
     * One of the projection's maps that lie side by side.
     *
     * @param up its B, {@code [out, rank]}, of experts all of them
     * @param place of its outputs
     */
    private record Part(Parameter up, LowRankAdapter.Part place) {}

    private final int rank;
    private final double scale;
    private final Parameter down;
    private final List<Part> parts;
    private final @Nullable Integer expert;
    private final ModelSteps steps;
    private final LinearMap map;

    private LowRankMap(
            LowRankAdapter adapter,
            Parameter down,
            List<Part> parts,
            @Nullable Integer expert,
            ModelSteps steps,
            LinearMap map) {
        rank = adapter.rank();
        scale = adapter.scale();
        this.down = down;
        this.parts = parts;
        this.expert = expert;
        this.steps = steps;
        this.map = map;
    }

    /**
     * What the parameters' adapter adds to a projection; null where it adds nothing.
     *
     * @param expert of a stack, or null
     */
    static @Nullable LowRankMap of(
            Parameters parameters, String projection, @Nullable Integer expert, ModelSteps steps, LinearMap map) {
        LowRankAdapter adapter = parameters.selection().adapter();
        if (adapter == null) {
            return null;
        }
        List<Part> parts = new ArrayList<>();
        for (LowRankAdapter.Part part : adapter.parts(projection)) {
            parts.add(new Part(parameters.parameter(LowRankAdapter.up(part.module())), part));
        }
        return parts.isEmpty()
                ? null
                : new LowRankMap(
                        adapter, parameters.parameter(LowRankAdapter.down(projection)), parts, expert, steps, map);
    }

    private Tensor part(Tensor stack) {
        return expert == null ? stack : stack.select(0, expert);
    }

    /** The matrices as kernels of the steps want them; null where they are not packed. */
    private ModelSteps.@Nullable LowRank packed() {
        PackedMatrix packedDown = map.packed(part(down.tensor()));
        if (packedDown == null) {
            return null;
        }
        List<ModelSteps.LowRank.Part> maps = new ArrayList<>();
        for (Part part : parts) {
            Tensor up = part(part.up.tensor());
            PackedMatrix packedUp = map.packed(up);
            if (packedUp == null) {
                return null;
            }
            maps.add(new ModelSteps.LowRank.Part(up, packedUp, part.place.start(), part.place.length()));
        }
        return new ModelSteps.LowRank(rank, scale, part(down.tensor()), packedDown, maps);
    }

    /** {@code s x A^T}, {@code [tokens, parts * rank]}. */
    private Tensor narrowed(Tensor wide) {
        return map.apply(wide, part(down.tensor()), null).multiplyInPlace(scale);
    }

    /** The columns of a part, {@code [tokens, rank]}. */
    private Tensor columns(Tensor narrowed, int ordinal) {
        return parts.size() == 1 ? narrowed : narrowed.narrow(1, (long) ordinal * rank, rank);
    }

    /**
     * Adds to {@code y} in place.
     *
     * @param x {@code [tokens, in]}
     * @param y {@code [tokens, out]}
     */
    void addTo(Tensor x, Tensor y) {
        try (Scope scope = Scope.open()) {
            ModelSteps.LowRank packed = packed();
            if (packed != null && steps.addLowRank(packed, x, y)) {
                return;
            }
            Tensor narrowed = narrowed(x.to(down.tensor().type()));
            for (int i = 0; i < parts.size(); i++) {
                Part part = parts.get(i);
                outputs(y, part).addInPlace(map.apply(columns(narrowed, i), part(part.up.tensor()), null));
            }
        }
    }

    private static Tensor outputs(Tensor y, Part part) {
        return part.place.length() == y.size(1) ? y : y.narrow(1, part.place.start(), part.place.length());
    }

    /**
     * Adds {@code dL/dB = u^T (s x A^T)} and {@code dL/dA = (s u B)^T x} to the gradients, and {@code (s u B) A} to {@code dL/dx}
     * in place.
     *
     * @param x {@code [tokens, in]}
     * @param upstream {@code u}, {@code [tokens, out]}
     * @param toX {@code [tokens, in]}
     */
    void backward(Tensor x, Tensor upstream, Tensor toX, WeightGradients gradients) {
        try (Scope scope = Scope.open()) {
            ModelSteps.LowRank packed = packed();
            ModelSteps.LowRankGradients found = packed == null ? null : steps.lowRankBackward(packed, x, upstream, toX);
            if (found != null) {
                for (int i = 0; i < parts.size(); i++) {
                    add(parts.get(i).up, found.ups().get(i), gradients);
                }
                add(down, found.down(), gradients);
                return;
            }
            Tensor wide = x.to(down.tensor().type());
            Tensor narrowed = narrowed(wide);
            List<Tensor> toNarrow = new ArrayList<>();
            for (int i = 0; i < parts.size(); i++) {
                Part part = parts.get(i);
                Tensor u = outputs(upstream, part).to(wide.type());
                add(part.up, u.transposed().matrixProduct(columns(narrowed, i)), gradients);
                toNarrow.add(u.matrixProduct(part(part.up.tensor())));
            }
            Tensor toDown = toNarrow.size() == 1 ? toNarrow.getFirst() : Tensor.concatenate(toNarrow, 1);
            toDown.multiplyInPlace(scale);
            add(down, toDown.transposed().matrixProduct(wide), gradients);
            toX.addInPlace(toDown.matrixProduct(part(down.tensor())));
        }
    }

    private void add(Parameter parameter, Tensor gradient, WeightGradients gradients) {
        if (expert == null) {
            gradients.add(parameter.name(), gradient);
        } else {
            part(gradients.sum(parameter.name())).addInPlace(gradient);
        }
    }
}
