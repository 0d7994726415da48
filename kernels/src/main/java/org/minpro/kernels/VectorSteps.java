package org.minpro.kernels;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.minpro.model.AttentionHeads;
import org.minpro.model.BlockAttention;
import org.minpro.model.KeyValueCache;
import org.minpro.model.Kernels;
import org.minpro.model.ModelConfig;
import org.minpro.model.ModelSteps;
import org.minpro.model.OneDnnMatrix;
import org.minpro.model.PackedMatrix;
import org.minpro.model.Parameter;
import org.minpro.model.TokenBlock;
import org.minpro.model.WeightGradients;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Tensor;

/** A model's steps by the kernels of this package, over libtorch's memory. */
final class VectorSteps implements ModelSteps {
    private final ModelConfig config;
    private final Device device;
    private final ModelSteps libtorch;

    VectorSteps(ModelConfig config, Device device, DType type) {
        this.config = config;
        this.device = device;
        libtorch = Kernels.libtorch(config, device, type);
    }

    @Override
    public Tensor norm(Tensor x, Parameter weight, double epsilon) {
        return libtorch.norm(x, weight, epsilon);
    }

    @Override
    public Tensor normBackward(
            Tensor x,
            Parameter weight,
            double epsilon,
            Tensor upstream,
            @Nullable Tensor passedOn,
            WeightGradients gradients) {
        return libtorch.normBackward(x, weight, epsilon, upstream, passedOn, gradients);
    }

    @Override
    public Tensor gate(Tensor gateUp) {
        return libtorch.gate(gateUp);
    }

    @Override
    public Tensor gateBackward(Tensor gateUp, Tensor upstream) {
        return libtorch.gateBackward(gateUp, upstream);
    }

    @Override
    public Tensor[] rotate(Tensor projected, AttentionHeads heads, Tensor[] rotation) {
        return libtorch.rotate(projected, heads, rotation);
    }

    @Override
    public Tensor rotateBackward(
            Tensor projected, AttentionHeads heads, Tensor[] rotation, Upstream upstream, WeightGradients gradients) {
        return libtorch.rotateBackward(projected, heads, rotation, upstream, gradients);
    }

    @Override
    public BlockAttention attention(List<TokenBlock.Sequence> sequences) {
        return new VectorAttention(config, sequences);
    }

    @Override
    public KeyValueCache cache(int slots, int capacity) {
        return new BlockCache(config, device, slots, capacity);
    }

    @Override
    public @Nullable PackedMatrix pack(Tensor weight, int rows) {
        return OneDnnMatrix.of(weight, rows);
    }

    @Override
    public boolean trainsPacked() {
        return true;
    }
}
