package org.minpro.tensor;

import java.util.Collections;
import java.util.List;
import org.bytedeco.pytorch.IValue;

/**
 * Libtorch's step of AdamW for many tensors in one operation, which launches a few kernels on a GPU however many tensors there
 * are:
 *
 * <pre>
 * p -= rate decay p
 * m  = beta1 m + (1 - beta1) g
 * v  = beta2 v + (1 - beta2) g^2
 * p -= rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
 * </pre>
 */
public final class FusedAdamW {
    /** Numbers of a step, as above. */
    public record Factors(double rate, double beta1, double beta2, double decay, double epsilon) {}

    private static final class Holder {
        static final NamedOperator STEP = new NamedOperator("aten::_fused_adamw_");
        static final NamedOperator SCALE = new NamedOperator("aten::_foreach_mul_", "Scalar");
        static final IValue NOTHING = STEP.emptyList(4);
    }

    private FusedAdamW() {}

    /**
     * Steps parameters, means and squares in place; all lists have one tensor for each parameter, of one shape, one floating type
     * and one device.
     *
     * @param gradients multiplied by {@code scale} in place first
     * @param step t, the first one is 1
     */
    public static void step(
            List<Tensor> parameters,
            List<Tensor> gradients,
            List<Tensor> means,
            List<Tensor> squares,
            long step,
            double scale,
            Factors factors) {
        if (parameters.isEmpty()) {
            return;
        }
        try (Scope scope = Scope.open()) {
            IValue given = Holder.STEP.list(1, gradients);
            if (scale != 1) {
                Holder.SCALE.call(given, new IValue(scale));
            }
            Tensor count = Tensor.full(parameters.getFirst().device(), DType.F32, (double) step);
            Holder.STEP.call(
                    Holder.STEP.list(0, parameters),
                    given,
                    Holder.STEP.list(2, means),
                    Holder.STEP.list(3, squares),
                    Holder.NOTHING,
                    Holder.STEP.list(5, Collections.nCopies(parameters.size(), count)),
                    new IValue(factors.rate),
                    new IValue(factors.beta1),
                    new IValue(factors.beta2),
                    new IValue(factors.decay),
                    new IValue(factors.epsilon),
                    NamedOperator.NO,
                    NamedOperator.NO,
                    NamedOperator.NONE,
                    NamedOperator.NONE);
        }
    }
}
