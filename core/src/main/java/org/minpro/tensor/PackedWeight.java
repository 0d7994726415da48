package org.minpro.tensor;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * A weight matrix in the layout that oneDNN's kernels read, for products of few rows: without it every product first
 * packs the whole matrix, a third of the time of 16 rows.
 *
 * <p>A copy: it does not follow later changes of the weight.
 */
public final class PackedWeight implements AutoCloseable {
    private final Tensor weight;

    private PackedWeight(Tensor weight) {
        this.weight = weight;
    }

    /**
     * Whether a weight can be packed: oneDNN has no kernels for float64, for bfloat16 on a processor without AVX-512, and
     * on some platforms for nothing.
     */
    public static boolean canPack(Tensor weight) {
        return weight.device().equals(Device.CPU) && Availability.OF.contains(weight.type());
    }

    /**
     * @param weight {@code [out, in]}, one that {@link #canPack} says yes to
     * @param rows that most products will have; others may have more or fewer
     */
    public static PackedWeight of(Tensor weight, int rows) {
        try (PointerScope scope = new PointerScope()) {
            IValueVector packed = Kernels.PACK.call(new IValue(weight.detach().value), new IValue((long) rows));
            return new PackedWeight(NamedOperator.result(packed, 0).retain());
        }
    }

    /** {@code x weight^T + bias}, {@code [rows, out]}; to be called without gradients. */
    public Tensor linear(Tensor x, @Nullable Tensor bias) {
        try (Scope scope = Scope.open()) {
            IValueVector product = Kernels.LINEAR.call(
                    new IValue(x.value),
                    new IValue(weight.value),
                    bias == null ? NamedOperator.NONE : new IValue(bias.value),
                    Kernels.NO_ACTIVATION,
                    Kernels.NO_SCALARS,
                    Kernels.NO_ALGORITHM);
            return scope.keep(NamedOperator.result(product, 0));
        }
    }

    @Override
    public void close() {
        weight.close();
    }

    /** Types that this processor has kernels for; found by trying, because only the kernels themselves know. */
    private static final class Availability {
        static final Set<DType> OF = EnumSet.noneOf(DType.class);

        static {
            for (DType type : torch.hasMKLDNN() ? List.of(DType.F32, DType.BF16) : List.<DType>of()) {
                try (Scope scope = Scope.open();
                        NoGradient off = NoGradient.open();
                        PackedWeight ones = of(Tensor.ones(Device.CPU, type, 16, 16), 16)) {
                    ones.linear(Tensor.ones(Device.CPU, type, 16, 16), null);
                    OF.add(type);
                } catch (RuntimeException | LinkageError e) {
                    System.getLogger("org.minpro.tensor")
                            .log(System.Logger.Level.DEBUG, "no packed weights of type " + type, e);
                }
            }
        }
    }

    /** The operators and their arguments that never change. */
    private static final class Kernels {
        static final NamedOperator PACK = new NamedOperator("mkldnn::_reorder_linear_weight");
        static final NamedOperator LINEAR = new NamedOperator("mkldnn::_linear_pointwise");
        static final IValue NO_ACTIVATION = NamedOperator.constant(new IValue("none"));
        static final IValue NO_SCALARS = LINEAR.emptyList(4);
        static final IValue NO_ALGORITHM = NamedOperator.constant(new IValue(""));
    }
}
